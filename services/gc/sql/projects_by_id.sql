SELECT project_id, tenant, name, deleted_at, version
FROM project WHERE project_id = ANY(:ids)
