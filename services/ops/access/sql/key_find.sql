-- The key of that hash, noted as used. What was used less than a minute ago is not written again.
WITH found AS (
    SELECT id, tenant, role, projects, created_at, expires_at, last_used_at
    FROM api_key WHERE hash = $1 AND deleted_at IS NULL
), used AS (
    UPDATE api_key SET last_used_at = clock_timestamp()
    FROM found
    WHERE api_key.id = found.id
      AND (found.last_used_at IS NULL OR found.last_used_at < clock_timestamp() - interval '1 minute')
      AND (found.expires_at IS NULL OR found.expires_at > clock_timestamp())
)
SELECT id, tenant, role, projects, created_at, expires_at FROM found
