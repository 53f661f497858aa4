UPDATE schedule SET attempts = attempts + 1, error = :error, retry_at = now() + make_interval(secs => :pause)
WHERE tenant = :tenant AND plan_id = :plan_id
