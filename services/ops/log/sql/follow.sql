-- Events of stream $1 after its version $2, at most $3 of them and about $4 bytes as PostgreSQL keeps them, but one at
-- least.
SELECT position, stream, version, id, type, data::text, meta::text, at
FROM (
  SELECT *, sum(pg_column_size(data)) OVER (ORDER BY version ROWS UNBOUNDED PRECEDING) AS bytes
  FROM event WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3
) AS page
WHERE bytes <= $4 OR version = $2 + 1
ORDER BY version
