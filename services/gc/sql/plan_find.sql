-- A plan; without an id the newest that is no simulation. Ids are UUIDv7: those made later sort later.
SELECT plan_id, tenant, plan_hash, position, policy, at, simulated, candidates, kept, bytes, erase
FROM plan
WHERE tenant = :tenant AND CASE WHEN CAST(:plan_id AS text) IS NULL THEN NOT simulated ELSE plan_id = :plan_id END
ORDER BY plan_id DESC LIMIT 1
