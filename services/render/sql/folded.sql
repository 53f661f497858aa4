-- A proxy was folded into its recipe.
UPDATE job SET reason = 'folded', updated_at = clock_timestamp() WHERE job_id = :job_id AND status = 'done'
