-- The session with the hash $1, noted as used once a minute. It ends 12 hours after its last use, and 7 days after login.
WITH used AS (
  UPDATE session SET used_at = clock_timestamp()
  WHERE hash = $1 AND used_at < clock_timestamp() - interval '1 minute'
    AND least(used_at + interval '12 hours', created_at + interval '7 days') > clock_timestamp()
  RETURNING id, used_at
)
SELECT session.id, tenant, subject, role, created_at,
  least(coalesce(used.used_at, session.used_at) + interval '12 hours', created_at + interval '7 days') AS expires_at,
  least(coalesce(used.used_at, session.used_at) + interval '12 hours', created_at + interval '7 days')
    <= clock_timestamp() AS ended
FROM session LEFT JOIN used ON used.id = session.id WHERE hash = $1
