-- Keeps an answer for which nothing was appended. Nothing happens when the key has one already.
INSERT INTO answer (tenant, key, fingerprint, status, body, position) VALUES ($1, $2, $3, $4, $5, 0)
ON CONFLICT ON CONSTRAINT answer_key DO NOTHING
