-- How many projects of tenant $1 there are whose name or description contains $2 and whose status is $3, unless these
-- are null.
SELECT count(*)
FROM project p
JOIN version v0 ON v0.project = p.id AND v0.version = 0
JOIN event made ON made.position = v0.position
WHERE p.tenant = $1 AND p.deleted_at IS NULL
  AND ($2::text IS NULL OR strpos(lower(p.name), lower($2)) > 0
       OR strpos(lower(made.data->'metadata'->>'description'), lower($2)) > 0)
  AND ($3::text IS NULL OR coalesce(made.data->'metadata'->>'status', 'draft') = $3)
