-- The events at positions $1, in ascending order, about $2 bytes of them as PostgreSQL keeps them, but one at least.
SELECT position, stream, version, id, type, data::text, meta::text, at
FROM (
  SELECT *, sum(pg_column_size(data)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) AS bytes
  FROM event WHERE position = ANY($1)
) AS page
WHERE bytes <= $2 OR position = ($1::bigint[])[1]
ORDER BY position
