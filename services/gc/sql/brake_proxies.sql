-- How many proxies a tenant has, and their bytes; and how many of them, with how many bytes, have the :chosen keys.
SELECT count(*), coalesce(sum(size), 0), count(*) FILTER (WHERE key = ANY(:chosen)),
       coalesce(sum(size) FILTER (WHERE key = ANY(:chosen)), 0)
FROM proxy JOIN project USING (project_id) WHERE project.tenant = :tenant AND NOT deleted
