-- The next projects of a tenant after :last, all or only some.
SELECT project_id, tenant, name, deleted_at, version
FROM project WHERE tenant = :tenant AND project_id > :last AND (CAST(:only AS text[]) IS NULL OR project_id = ANY(:only))
ORDER BY project_id LIMIT :limit
