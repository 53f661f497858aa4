-- The log says what became of a job: what another worker, or an earlier life of this database, did.
UPDATE job SET status = :status, reason = :reason, updated_at = clock_timestamp()
 WHERE job_id = :job_id AND position < :position AND status IN ('waiting', 'queued', 'admitted')
