UPDATE schedule SET attempts = attempts + 1, notified_at = now(), error = NULL
WHERE tenant = :tenant AND plan_id = :plan_id
