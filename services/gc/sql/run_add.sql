INSERT INTO run (run_id, tenant, action, actor, at, plan_id, objects, bytes, idempotency_key, fingerprint)
VALUES (:run_id, :tenant, :action, :actor, now(), :plan_id, :objects, :bytes, :idempotency_key, :fingerprint)
