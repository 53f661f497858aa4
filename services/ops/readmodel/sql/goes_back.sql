-- What events of project $1 go back to, of those after version $2 of its stream up to the one that made version $3 of
-- the project (null: all): versions of the project itself by reverts and undos, and of the one it was forked from.
WITH last AS (
  SELECT e.version FROM version v JOIN event e ON e.position = v.position WHERE v.project = $1 AND v.version = $3
), back AS (
  SELECT op
  FROM event e CROSS JOIN jsonb_array_elements(e.data->'ops') AS op
  WHERE e.stream = 'project.' || $1 AND e.version > $2 AND e.version <= coalesce((SELECT version FROM last), 2147483647)
    AND e.type = 'VersionCommitted' AND e.data @? '$.ops[*] ? (@.op starts with "history.")'
)
SELECT $1 AS project, (op->'toVersion')::int AS version FROM back WHERE op->>'op' = 'history.revert'
UNION
-- Of versions that follow each other, the last and the one before the first.
SELECT $1, v::int - side.before
FROM back CROSS JOIN jsonb_array_elements(op->'versions') AS v CROSS JOIN (VALUES (0, 1), (1, -1)) AS side (before, beside)
WHERE op->>'op' = 'history.undo' AND NOT op->'versions' @> to_jsonb(v::int + side.beside)
UNION
SELECT data->>'originProjectId', (data->'originVersion')::int
FROM event
WHERE stream = 'project.' || $1 AND version = 1 AND $2 = 0 AND type = 'ProjectForked'
