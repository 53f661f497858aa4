-- Exports of project $1 that another store made, a row for each element of the arrays. What is the latest only moves
-- forward.
WITH added AS (
  INSERT INTO export (id, project, version, profile, status, key, size, sha256, created_at, finished_at, metadata)
  SELECT id, $1, version, profile, status, key, size, sha256, at, at, metadata::jsonb
  FROM unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::timestamptz[],
              $10::text[])
    AS given (id, version, profile, status, key, size, sha256, at, metadata)
  ON CONFLICT (id) DO NOTHING RETURNING version, key, status
), newest AS (
  SELECT version, key FROM added WHERE status = 'ready' ORDER BY version DESC LIMIT 1
)
UPDATE project SET latest_export_version = newest.version, latest_export_key = newest.key
FROM newest WHERE id = $1 AND coalesce(latest_export_version, -1) <= newest.version
