SELECT project_id, tenant, name, deleted_at, version
FROM project WHERE tenant = :tenant AND project_id IN (SELECT project_id FROM export WHERE export_id = ANY(:ids))
