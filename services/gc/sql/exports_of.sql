-- Of projects.
SELECT export_id, project_id, version, profile, status, key, size, sha256, finished_at, home, archive,
       archived_at, frames, encoded
FROM export WHERE project_id = ANY(:ids)
