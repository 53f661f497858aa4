-- Versions $2 to $3 of project $1 with their ops, at most $4, and about 8 MiB, but one at least.
SELECT version, position, at, actor, message, ops, legacy, why, undoes, gesture
FROM (
  SELECT v.version, v.position, coalesce((e.data->'imported'->>'at')::timestamptz, e.at) AS at,
         coalesce(e.data->'imported'->>'author', e.meta->>'actor') AS actor, e.data->>'message' AS message,
         (e.data->'ops')::text AS ops, (e.data->'imported'->'legacy')::text AS legacy, e.data->'imported'->>'why' AS why,
         v.undoes, v.gesture,
         sum(pg_column_size(e.data)) OVER (ORDER BY v.version) AS bytes,
         row_number() OVER (ORDER BY v.version) AS number
  FROM version v JOIN event e ON e.position = v.position
  WHERE v.project = $1 AND v.version >= $2 AND v.version <= $3 ORDER BY v.version LIMIT $4
) AS page
WHERE bytes <= 8388608 OR number = 1
ORDER BY version
