-- Files that a tenant holds, and their bytes.
SELECT count(*) AS files, CAST(coalesce(sum(size), 0) AS bigint) AS bytes
FROM video WHERE tenant = :tenant AND stored <> 'deleted'
