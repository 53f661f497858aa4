-- The act that a request with this key began, and whether it came to its end.
SELECT run.run_id, run.fingerprint, run_end.at IS NOT NULL AS ended
FROM run LEFT JOIN run_end USING (run_id) WHERE run.tenant = :tenant AND run.idempotency_key = :key
