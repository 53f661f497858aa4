-- A project $1 of tenant $2, with name $3 and canvas $4, made at $5.
INSERT INTO project (id, tenant, name, canvas, created_at, updated_at) VALUES ($1, $2, $3, $4::text::jsonb, $5, $5)
