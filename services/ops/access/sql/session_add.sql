-- A session with the hash $2 for the subject $4 of tenant $3 with role $5, made by the credential $6.
INSERT INTO session (id, hash, tenant, subject, role, origin) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING created_at, used_at + interval '12 hours' AS expires_at
