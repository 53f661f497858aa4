-- Jobs whose worker is gone: a living one holds an advisory lock of its name.
WITH running AS MATERIALIZED (
  SELECT job_id, worker FROM job WHERE status = 'running'
), orphan AS (
  SELECT job_id FROM running WHERE pg_try_advisory_xact_lock(hashtextextended('render worker ' || worker, 0))
)
UPDATE job SET status = 'queued', failures = failures + 1, worker = NULL, updated_at = clock_timestamp(),
               reason = 'the worker died'
  FROM orphan WHERE job.job_id = orphan.job_id
RETURNING job.*
