-- The media of tenant $2 that the names $1 stand for, where no media has one as its id.
SELECT DISTINCT ON (alias) alias, media FROM media_alias
WHERE tenant = $2 AND alias = ANY ($1::text[]) AND NOT EXISTS (SELECT FROM media WHERE id = alias AND tenant = $2)
ORDER BY alias, position
