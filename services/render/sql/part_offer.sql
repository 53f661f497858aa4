-- What an earlier attempt left is forgotten, but for what somebody living is at.
WITH old AS (
  DELETE FROM part WHERE job_id = :job_id AND status <> 'running'
)
INSERT INTO part (job_id, part_id, digests, frames)
SELECT :job_id, p ->> 'id', ARRAY(SELECT jsonb_array_elements_text(p -> 'digests')), (p ->> 'frames')::int
  FROM jsonb_array_elements(CAST(:parts AS jsonb)) AS p
ON CONFLICT (job_id, part_id) DO UPDATE SET status = 'queued', worker = NULL, failures = 0, encoded = 0
 WHERE part.status <> 'running'
