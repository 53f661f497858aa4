-- A worker begins: only with the last message that was sent, and only if nobody else did.
UPDATE job SET status = 'running', attempt = attempt + 1, worker = :worker, updated_at = clock_timestamp()
 WHERE job_id = :job_id AND admission = :admission AND status IN ('admitted', 'failed')
RETURNING *
