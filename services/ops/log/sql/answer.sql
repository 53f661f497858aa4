-- Keeps the answers that were given under an Idempotency-Key. Raises unique_violation when a key has one already.
INSERT INTO answer (tenant, key, fingerprint, status, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bytea[])
