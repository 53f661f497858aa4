-- A worker ends its part, unless it was given to another. One that failed three times has failed for good.
UPDATE part SET status = CASE WHEN :failed AND failures >= 2 THEN 'failed' ELSE :status END,
                failures = failures + CASE WHEN :failed THEN 1 ELSE 0 END, encoded = encoded + :encoded, reason = :reason,
                worker = NULL, updated_at = clock_timestamp()
 WHERE job_id = :job_id AND part_id = :part_id AND worker = :worker AND status = 'running'
