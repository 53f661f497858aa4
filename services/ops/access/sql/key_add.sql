INSERT INTO api_key (id, tenant, name, role, projects, hash, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING created_at
