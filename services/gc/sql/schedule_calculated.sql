UPDATE schedule SET due = :due, plan_id = :plan_id, notified_at = NULL, attempts = 0, retry_at = NULL, error = NULL
WHERE tenant = :tenant
