-- Those of the exports $2 that are not of project $1.
SELECT id FROM export WHERE id = ANY($2::text[]) AND project <> $1 ORDER BY id
