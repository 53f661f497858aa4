-- Whether a worker may go on with a part.
SELECT EXISTS (
  SELECT FROM part JOIN job USING (job_id)
   WHERE job_id = :job_id AND part_id = :part_id AND part.worker = :worker AND part.status = 'running'
     AND job.status = 'running') AS held
