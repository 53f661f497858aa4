-- All parts of a job, those of workers that died queued again: a living one holds the lease of its name.
WITH rescued AS (
  UPDATE part SET status = 'queued', worker = NULL, updated_at = clock_timestamp()
   WHERE job_id = :job_id AND status = 'running' AND worker <> :worker AND NOT EXISTS (
     SELECT FROM lease WHERE name = 'worker ' || part.worker AND expires_at > clock_timestamp())
  RETURNING part_id
)
SELECT job_id, part_id, digests, frames, encoded, reason,
       CASE WHEN part_id IN (SELECT part_id FROM rescued) THEN 'queued' ELSE status END AS status
  FROM part WHERE job_id = :job_id ORDER BY part_id
