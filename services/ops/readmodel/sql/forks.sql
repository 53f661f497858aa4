-- Projects that were forked from project $1.
SELECT id FROM project WHERE origin_project = $1 ORDER BY id LIMIT 20
