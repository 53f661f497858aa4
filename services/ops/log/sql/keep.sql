-- Keeps what requests with an Idempotency-Key led to. Raises unique_violation when a key has an answer already.
INSERT INTO answer (tenant, key, fingerprint, result, position)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bigint[])
