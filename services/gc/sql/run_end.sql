INSERT INTO run_end (run_id, done, skipped, freed)
SELECT :run_id, count(*) FILTER (WHERE outcome = 'done'), count(*) FILTER (WHERE outcome = 'skipped'), :freed
FROM run_item WHERE run_id = :run_id
ON CONFLICT DO NOTHING
