-- A worker ends its attempt, unless the job is no longer its own. How long it took counts for the job and its tenant.
WITH ended AS (
  SELECT job_id, kind, tenant, extract(epoch FROM clock_timestamp() - updated_at)::float8 AS seconds FROM job
   WHERE job_id = :job_id AND attempt = :attempt AND status = 'running' FOR UPDATE
), changed AS (
  UPDATE job SET status = :status, failures = failures + :failed, worker = NULL, needs = :needs, reason = :reason,
                 worked = worked + ended.seconds, encoded = encoded + :encoded,
                 not_before = clock_timestamp() + make_interval(secs => :delay), updated_at = clock_timestamp()
    FROM ended WHERE job.job_id = ended.job_id
)
INSERT INTO spent (kind, tenant, seconds, at) SELECT kind, tenant, seconds, clock_timestamp() FROM ended
ON CONFLICT (kind, tenant) DO UPDATE
   SET seconds = spent.seconds * exp(extract(epoch FROM spent.at - excluded.at) / 60) + excluded.seconds,
       at = excluded.at
