UPDATE job SET status = 'cancelled', updated_at = clock_timestamp()
 WHERE project_id = :project_id AND (CAST(:job_id AS text) IS NULL OR job_id = :job_id)
   AND status IN ('waiting', 'queued', 'admitted', 'running')
