-- The newest plan with this hash that is no simulation.
SELECT plan_id, tenant, plan_hash, position, policy, at, simulated, candidates, kept, bytes, erase
FROM plan WHERE tenant = :tenant AND plan_hash = :plan_hash AND NOT simulated ORDER BY plan_id DESC LIMIT 1
