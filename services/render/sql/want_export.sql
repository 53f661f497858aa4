INSERT INTO job (job_id, kind, tenant, project_id, version, export_id, profile, status, position, trace)
VALUES (:job_id, 'export', :tenant, :project_id, :version, :export_id, :profile, 'queued', :position, :trace)
ON CONFLICT (job_id) DO UPDATE
   SET status = 'queued', failures = 0, reason = NULL, position = excluded.position, trace = excluded.trace,
       not_before = clock_timestamp(), updated_at = clock_timestamp()
 WHERE job.position < excluded.position AND job.status IN ('done', 'failed', 'cancelled')
