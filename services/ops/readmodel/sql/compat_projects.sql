-- Projects of tenant $1, newest first, with what made them: only $2; those whose name or description contains $3; those
-- of status $4, unless these are null; at most $5 after the first $6. `film` is the first media that they used.
SELECT p.id, p.name, p.canvas::text AS canvas, p.version, p.latest_proxy_key, p.latest_export_key,
       p.imported IS NOT NULL AS brought, p.created_at, p.updated_at, (made.data->'metadata')::text AS metadata, made.meta->>'actor' AS actor,
       coalesce(made.data->'mediaAdded'->>0, began.data->'mediaAdded'->>0) AS film
FROM project p
JOIN version v0 ON v0.project = p.id AND v0.version = 0
JOIN event made ON made.position = v0.position
LEFT JOIN version v1 ON v1.project = p.id AND v1.version = 1
LEFT JOIN event began ON began.position = v1.position
WHERE p.tenant = $1 AND p.deleted_at IS NULL AND ($2::text IS NULL OR p.id = $2)
  AND ($3::text IS NULL OR strpos(lower(p.name), lower($3)) > 0
       OR strpos(lower(made.data->'metadata'->>'description'), lower($3)) > 0)
  AND ($4::text IS NULL OR coalesce(made.data->'metadata'->>'status', 'draft') = $4)
ORDER BY p.created_at DESC, p.id DESC LIMIT $5 OFFSET $6
