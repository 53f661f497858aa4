-- Everybody who has a project.
SELECT DISTINCT tenant FROM project ORDER BY tenant
