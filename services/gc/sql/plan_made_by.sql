-- The plan that a request with this key made.
SELECT plan_id, fingerprint FROM plan WHERE tenant = :tenant AND idempotency_key = :key
