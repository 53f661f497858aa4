-- The versions of project $1 that take others back, the newest first.
SELECT v.version, v.undoes, e.meta->>'actor' AS actor
FROM version v JOIN event e ON e.position = v.position
WHERE v.project = $1 AND v.undoes IS NOT NULL ORDER BY v.version DESC
