-- Keys of a tenant, the newest first, after a place.
SELECT id, name, role, projects, created_by, created_at, expires_at, last_used_at
FROM api_key
WHERE tenant = $1 AND deleted_at IS NULL
  AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::text))
ORDER BY created_at DESC, id DESC
LIMIT $4
