-- Events of stream $1 after its version $2 up to its version $3, at most $4.
SELECT position, stream, version, id, type, data::text, meta::text, at
FROM event WHERE stream = $1 AND version > $2 AND version <= $3 ORDER BY version LIMIT $4
