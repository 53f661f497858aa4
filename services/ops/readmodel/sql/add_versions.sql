-- Versions, a row for each element of the arrays.
INSERT INTO version (project, version, position, duration, digest)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::text[])
