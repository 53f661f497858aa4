-- A worker ends its attempt, unless the job is no longer its own.
UPDATE job SET status = :status, failures = failures + :failed, worker = NULL, needs = :needs, reason = :reason,
               not_before = clock_timestamp() + make_interval(secs => :delay), updated_at = clock_timestamp()
 WHERE job_id = :job_id AND attempt = :attempt AND status = 'running'
