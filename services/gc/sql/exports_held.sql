-- Exports, some of a tenant or all of everybody (null), and what they refer to.
SELECT export.export_id, export.status, export.key, export.home, export.archive
FROM export JOIN project USING (project_id)
WHERE CAST(:tenant AS text) IS NULL OR (project.tenant = :tenant AND export.export_id = ANY(:ids))
