-- A worker takes a part of a running job: the one it was told of, or the next.
UPDATE part SET status = 'running', worker = :worker, updated_at = clock_timestamp()
 WHERE (job_id, part_id) = (
   SELECT p.job_id, p.part_id FROM part p JOIN job USING (job_id)
    WHERE p.job_id = :job_id AND (CAST(:part_id AS text) IS NULL OR p.part_id = :part_id)
      AND p.status = 'queued' AND job.status = 'running'
    ORDER BY p.part_id LIMIT 1 FOR UPDATE OF p SKIP LOCKED)
RETURNING job_id, part_id, digests, frames, encoded, status, reason
