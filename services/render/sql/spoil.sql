-- An admitted job that no message can be made of.
UPDATE job SET status = 'failed', reason = 'its row is damaged', updated_at = clock_timestamp()
 WHERE job_id = :job_id AND admission = :admission AND status = 'admitted'
