-- The proxy of version $2 of project $1 is at $3. What is the latest only moves forward.
WITH rendered AS (
  UPDATE version SET proxy_key = $3, proxy_failed = NULL WHERE project = $1 AND version = $2
)
UPDATE project SET latest_proxy_version = $2, latest_proxy_key = $3
WHERE id = $1 AND coalesce(latest_proxy_version, -1) <= $2
