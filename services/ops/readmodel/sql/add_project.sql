-- A project $1 of tenant $2, with name $3 and canvas $4, made at $5, $6 frames long; forked from version $8 of project
-- $7, unless they are null; $9 is what else was said of it.
INSERT INTO project (id, tenant, name, canvas, created_at, updated_at, duration, origin_project, origin_version, metadata)
VALUES ($1, $2, $3, $4::text::jsonb, $5, $5, $6, $7, $8, $9::text::jsonb)
