-- A queued job that failed too often.
UPDATE job SET status = 'failed', updated_at = clock_timestamp()
 WHERE job_id = :job_id AND attempt = :attempt AND status = 'queued'
