-- The proxy of version $2 of project $1 is at $3 no longer. What is the latest falls back to what is left.
WITH gone AS (
  UPDATE version SET proxy_key = NULL WHERE project = $1 AND version = $2 AND proxy_key = $3 RETURNING version
), left_over AS (
  SELECT version, proxy_key FROM version
  WHERE project = $1 AND proxy_key IS NOT NULL AND version <> $2 ORDER BY version DESC LIMIT 1
)
UPDATE project SET latest_proxy_version = left_over.version, latest_proxy_key = left_over.proxy_key
FROM gone LEFT JOIN left_over ON true
WHERE project.id = $1 AND latest_proxy_version = gone.version
