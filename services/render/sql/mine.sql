-- What a worker may go on with.
SELECT job_id, attempt FROM job WHERE status = 'running' AND worker = :worker
