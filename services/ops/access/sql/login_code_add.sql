-- A code with the hash $1, with which the subject $3 of tenant $2 logs in with role $4.
INSERT INTO login_code (hash, tenant, subject, role, expires_at)
VALUES ($1, $2, $3, $4, clock_timestamp() + interval '10 minutes') RETURNING expires_at
