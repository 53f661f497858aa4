-- The plans by which exports were last archived.
SELECT DISTINCT ON (i.object_id) i.object_id, p.plan_hash
FROM run r JOIN run_item i ON i.run_id = r.run_id JOIN plan p ON p.plan_id = r.plan_id
WHERE r.tenant = :tenant AND r.action = 'archive' AND i.outcome = 'done' AND i.object_id = ANY(:ids)
ORDER BY i.object_id, r.run_id DESC
