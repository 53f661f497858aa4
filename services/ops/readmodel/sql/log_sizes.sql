-- Bytes of the log, as stored, of the projects of tenant $1, or of project $2 alone: those counted before, and what came since.
WITH counted AS (
  SELECT p.id AS project, coalesce(s.version, 0) + coalesce(e.events, 0) AS version, coalesce(s.bytes, 0) + coalesce(e.bytes, 0) AS bytes,
         coalesce(e.events, 0) AS events
    FROM project p LEFT JOIN log_size s ON s.project = p.id
   CROSS JOIN LATERAL (
     SELECT count(*)::int AS events, sum(pg_column_size(data) + pg_column_size(meta))::bigint AS bytes
       FROM event WHERE stream = 'project.' || p.id AND version > coalesce(s.version, 0)) AS e
   WHERE p.tenant = $1 AND (CAST($2 AS text) IS NULL OR p.id = $2)
), kept AS (
  INSERT INTO log_size (project, version, bytes) SELECT project, version, bytes FROM counted WHERE events > 0
  ON CONFLICT (project) DO UPDATE SET version = excluded.version, bytes = excluded.bytes
   WHERE log_size.version < excluded.version
)
SELECT project, bytes FROM counted ORDER BY bytes DESC, project
