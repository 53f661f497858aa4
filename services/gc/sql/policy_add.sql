INSERT INTO policy (tenant, version, policy, actor, at)
SELECT :owner, coalesce(max(version), 0) + 1, CAST(:policy AS jsonb), :actor, now() FROM policy WHERE tenant = :owner
RETURNING version
