-- What became of objects in a run, by their ids, after :after.
SELECT object_id AS id, outcome, reason, position, at
FROM run_item WHERE run_id = :run_id AND object_id > :after ORDER BY object_id LIMIT :limit
