-- Forgets answers that are older than $1 hours; at most $2, so that nobody waits for it.
DELETE FROM answer WHERE (tenant, key) IN (
  SELECT tenant, key FROM answer WHERE at < clock_timestamp() - make_interval(hours => $1) LIMIT $2
)
