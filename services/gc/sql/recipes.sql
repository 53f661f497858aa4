-- Versions whose proxies were folded into their recipes.
SELECT proxy.project_id, proxy.version FROM proxy JOIN project USING (project_id)
WHERE project.tenant = :tenant AND proxy.folded
