-- Media of a tenant, or of all (null), and what they refer to.
SELECT media_id, tenant, status, key, home, sha256, generation, revision
FROM media WHERE CAST(:tenant AS text) IS NULL OR tenant = :tenant
