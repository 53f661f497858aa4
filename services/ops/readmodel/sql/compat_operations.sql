-- Versions $2 to $3 of project $1 in the words in which they were sent, at most $4, and about 8 MiB, but one at least.
SELECT version, at, ops, legacy, written
FROM (
  SELECT v.version, coalesce((e.data->'imported'->>'at')::timestamptz, e.at) AS at,
         (e.data->'ops')::text AS ops, (e.data->'imported'->'legacy')::text AS legacy,
         (e.data->'written'->'ops')::text AS written,
         sum(pg_column_size(e.data)) OVER (ORDER BY v.version) AS bytes,
         row_number() OVER (ORDER BY v.version) AS number
  FROM version v JOIN event e ON e.position = v.position
  WHERE v.project = $1 AND v.version >= $2 AND v.version <= $3 ORDER BY v.version LIMIT $4
) AS page
WHERE bytes <= 8388608 OR number = 1
ORDER BY version
