-- The newest version of project $1 by actor $2 that is no undo and none of $3; none that came from another store.
SELECT v.version, v.gesture
FROM version v JOIN event e ON e.position = v.position
WHERE v.project = $1 AND e.meta->>'actor' = $2 AND v.undoes IS NULL AND NOT e.data ? 'imported'
  AND NOT v.version = ANY($3::int[])
ORDER BY v.version DESC LIMIT 1
