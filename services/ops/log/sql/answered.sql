-- What tenant $1 was answered under the Idempotency-Key $2: a body, or the result of the events up to a position.
SELECT a.fingerprint, a.status, a.body, a.result, a.position, e.at
FROM answer a LEFT JOIN event e ON e.position = a.position
WHERE a.tenant = $1 AND a.key = $2
