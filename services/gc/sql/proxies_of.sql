-- Of projects.
SELECT project_id, version, key, size, rendered_at, deleted, frames, encoded, folded
FROM proxy WHERE project_id = ANY(:ids)
