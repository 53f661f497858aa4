-- Takes the lease $1 for the holder $2 and $3 seconds, if nobody has it. Tokens come from a sequence, so that none is
-- given twice, even when rows were removed.
INSERT INTO lease (name, holder, token, expires_at)
VALUES ($1, $2, nextval('lease_token'), clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder, token = excluded.token, taken_at = clock_timestamp(), expires_at = excluded.expires_at
 WHERE lease.expires_at <= clock_timestamp()
RETURNING token
