-- Forgets the answer that was given to tenant $1 under the Idempotency-Key $2.
DELETE FROM answer WHERE tenant = $1 AND key = $2
