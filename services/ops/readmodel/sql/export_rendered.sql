-- Export $1 is at key $2, of size $3 and digest $4, since $5. Whether an earlier file of it was
-- the same, byte for byte, is kept. What is the latest only moves forward.
WITH rendered AS (
  UPDATE export SET status = 'ready', key = $2, size = $3, sha256 = $4, finished_at = $5,
    reproduced = CASE WHEN sha256 = $4 THEN 'identical' WHEN sha256 IS NOT NULL THEN 'equivalent' END
  WHERE id = $1
  RETURNING project, version
)
UPDATE project SET latest_export_version = rendered.version, latest_export_key = $2
FROM rendered
WHERE id = rendered.project AND coalesce(latest_export_version, -1) <= rendered.version
