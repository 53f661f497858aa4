-- The answer that was given to tenant $1 under the Idempotency-Key $2.
SELECT fingerprint, status, body FROM answer WHERE tenant = $1 AND key = $2
