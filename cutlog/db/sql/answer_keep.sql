-- Keeps a first answer. No row is inserted when the key has one already.
INSERT INTO answer (tenant, key, fingerprint, status, body) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT ON CONSTRAINT answer_key DO NOTHING
