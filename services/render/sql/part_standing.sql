-- All parts of a job, those of workers that died queued again: a living one holds an advisory lock of its name.
WITH running AS MATERIALIZED (
  SELECT job_id, part_id, worker FROM part WHERE job_id = :job_id AND status = 'running' AND worker <> :worker
), orphan AS MATERIALIZED (
  SELECT job_id, part_id FROM running
   WHERE pg_try_advisory_xact_lock(hashtextextended('render worker ' || worker, 0))
), rescued AS (
  UPDATE part SET status = 'queued', worker = NULL, updated_at = clock_timestamp()
    FROM orphan WHERE part.job_id = orphan.job_id AND part.part_id = orphan.part_id
  RETURNING part.part_id
)
SELECT job_id, part_id, digests, frames, encoded, reason,
       CASE WHEN part_id IN (SELECT part_id FROM rescued) THEN 'queued' ELSE status END AS status
  FROM part WHERE job_id = :job_id ORDER BY part_id
