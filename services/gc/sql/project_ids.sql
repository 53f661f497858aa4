SELECT project_id FROM project WHERE tenant = :tenant AND project_id > :last ORDER BY project_id LIMIT :limit
