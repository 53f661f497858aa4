-- Ends a job, or all of a project, and what others make of them.
WITH ended AS (
  UPDATE job SET status = 'cancelled', updated_at = clock_timestamp()
   WHERE project_id = :project_id AND (CAST(:job_id AS text) IS NULL OR job_id = :job_id)
     AND status IN ('waiting', 'queued', 'admitted', 'running')
  RETURNING job_id
)
DELETE FROM part USING ended WHERE part.job_id = ended.job_id
