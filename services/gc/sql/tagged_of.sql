-- Of projects.
SELECT project_id, version, message
FROM tagged WHERE project_id = ANY(:ids)
