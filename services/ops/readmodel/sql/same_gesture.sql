-- The versions of project $1 by actor $2 that share gesture $3, in order; those that are no undo and none of $4.
SELECT v.version
FROM version v JOIN event e ON e.position = v.position
WHERE v.project = $1 AND v.gesture = $3 AND e.meta->>'actor' = $2 AND v.undoes IS NULL AND NOT v.version = ANY($4::int[])
ORDER BY v.version
