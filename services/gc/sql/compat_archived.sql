-- Where the files of exports are.
SELECT e.export_id, e.project_id, e.version, e.key, e.size
FROM export e JOIN project p ON p.project_id = e.project_id
WHERE p.tenant = :tenant AND e.export_id = ANY(:ids) AND e.key IS NOT NULL ORDER BY e.export_id
