-- Exports of a tenant in all states.
SELECT count(*) FROM export JOIN project USING (project_id) WHERE project.tenant = :tenant
