-- The film is there, or will not be.
DELETE FROM part WHERE job_id = :job_id
