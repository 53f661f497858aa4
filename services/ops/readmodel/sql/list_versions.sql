-- Versions $2 to $3 of project $1 with their ops, at most $4.
SELECT v.version, v.position, e.at, e.meta->>'actor' AS actor, e.data->>'message' AS message, (e.data->'ops')::text AS ops
FROM version v JOIN event e ON e.position = v.position
WHERE v.project = $1 AND v.version >= $2 AND v.version <= $3 ORDER BY v.version LIMIT $4
