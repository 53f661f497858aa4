INSERT INTO job (job_id, kind, tenant, project_id, version, profile, digest, status, asked, position, trace)
VALUES (:job_id, 'proxy', :tenant, :project_id, :version, 'proxy', :digest, 'queued', :asked, :position, :trace)
ON CONFLICT (job_id) DO UPDATE
   SET status = 'queued', asked = true, failures = 0, reason = NULL, trace = excluded.trace,
       not_before = clock_timestamp(), updated_at = clock_timestamp()
 WHERE excluded.asked AND job.status IN ('superseded', 'done', 'failed', 'cancelled')
