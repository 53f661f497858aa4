-- How many exports a tenant has, and their bytes; and how many of them, with how many bytes, are :chosen.
SELECT count(*), coalesce(sum(size), 0), count(*) FILTER (WHERE export_id = ANY(:chosen)),
       coalesce(sum(size) FILTER (WHERE export_id = ANY(:chosen)), 0)
FROM export JOIN project USING (project_id) WHERE project.tenant = :tenant AND status IN ('ready', 'archived')
