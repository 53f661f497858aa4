-- Export $1 has status $2 and lies at key $3; null, where it lies nowhere. What is the latest is the highest version
-- that is ready.
WITH moved AS (
  UPDATE export SET status = $2, key = $3 WHERE id = $1 RETURNING id, project, version, status, key
), newest AS (
  SELECT version, key FROM (
    SELECT version, key FROM moved WHERE status = 'ready'
    UNION ALL
    SELECT x.version, x.key FROM export x JOIN moved USING (project) WHERE x.status = 'ready' AND x.id <> moved.id
  ) AS ready ORDER BY version DESC LIMIT 1
)
UPDATE project SET latest_export_version = newest.version, latest_export_key = newest.key
FROM moved LEFT JOIN newest ON true WHERE project.id = moved.project
