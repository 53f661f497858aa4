-- Of projects.
SELECT project_id, version, profile, pinned, reason, expires_at, owner, mode
FROM pin WHERE project_id = ANY(:ids)
