INSERT INTO plan (
  plan_id, tenant, plan_hash, position, policy, at, simulated, candidates, kept, bytes, idempotency_key, fingerprint, erase
) VALUES (
  :plan_id, :tenant, :plan_hash, :position, CAST(:policy AS jsonb), :at, :simulated, :candidates, :kept, :bytes,
  :idempotency_key, :fingerprint, :erase
)
