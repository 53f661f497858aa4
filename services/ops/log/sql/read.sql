-- Events after position $1, at most $2 of them and about $3 bytes as PostgreSQL keeps them, but one at least.
SELECT position, stream, version, id, type, data::text, meta::text, at
FROM (
  SELECT *, sum(pg_column_size(data)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) AS bytes
  FROM event WHERE position > $1 ORDER BY position LIMIT $2
) AS page
WHERE bytes <= $3 OR position = $1 + 1
ORDER BY position
