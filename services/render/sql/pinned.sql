-- A proxy that was folded is to be a file again.
UPDATE job SET status = 'queued', asked = true, failures = 0, reason = NULL, not_before = clock_timestamp(),
       updated_at = clock_timestamp()
 WHERE job_id = :job_id AND status = 'done' AND reason = 'folded'
