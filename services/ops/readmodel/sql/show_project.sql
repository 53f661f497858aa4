-- Project $1 of tenant $2, unless it is deleted.
SELECT id, name, canvas::text AS canvas, version, duration, latest_proxy_key, latest_proxy_version, latest_export_key,
       latest_export_version, origin_project, origin_version, imported::text AS imported, metadata::text AS metadata, created_at, updated_at
FROM project WHERE id = $1 AND tenant = $2 AND deleted_at IS NULL
