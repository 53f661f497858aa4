-- Projects of tenant $1, newest first, after the one made at $2 with id $3 (null: from the start), at most $4.
SELECT id, name, canvas::text AS canvas, version, duration, latest_proxy_key, latest_proxy_version, latest_export_key,
       latest_export_version, origin_project, origin_version, imported::text AS imported, metadata::text AS metadata, created_at, updated_at
FROM project
WHERE tenant = $1 AND deleted_at IS NULL AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
ORDER BY created_at DESC, id DESC LIMIT $4
