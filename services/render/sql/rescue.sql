-- Jobs whose worker is gone: a living one holds the lease of its name.
UPDATE job SET status = 'queued', failures = failures + 1, worker = NULL, updated_at = clock_timestamp(),
               reason = 'the worker died'
 WHERE status = 'running' AND NOT EXISTS (
   SELECT FROM lease WHERE name = 'worker ' || job.worker AND expires_at > clock_timestamp())
RETURNING job.*
