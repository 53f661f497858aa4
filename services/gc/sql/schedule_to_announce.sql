-- The plan that somebody is still to be told of, if it is time to try.
SELECT plan_id, due, attempts FROM schedule
WHERE tenant = :tenant AND plan_id IS NOT NULL AND notified_at IS NULL AND attempts < :attempts
  AND coalesce(retry_at, now()) <= now()
