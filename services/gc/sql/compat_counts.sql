-- How many projects a tenant has, exports that are ready, and pinned ones among these.
SELECT (SELECT count(*) FROM project p WHERE p.tenant = :tenant AND p.deleted_at IS NULL) AS projects,
       count(*) AS ready, count(*) FILTER (WHERE EXISTS (
         SELECT FROM pins_in_force(now()) AS pin
         WHERE pin.project_id = e.project_id AND pin.version = e.version
           AND (pin.profile IS NULL OR pin.profile = e.profile)
       )) AS pinned
FROM export e JOIN project p ON p.project_id = e.project_id WHERE p.tenant = :tenant AND e.status = 'ready'
