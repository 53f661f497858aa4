-- What became of all objects of a run, in the order in which it was noted.
SELECT object_id AS id, outcome, reason, position, at FROM run_item WHERE run_id = :run_id ORDER BY at, object_id
