-- The newest snapshot of project $1 in format $2 that is not after version $3.
SELECT stream_version, state FROM snapshot
WHERE project = $1 AND format = $2 AND version <= $3
ORDER BY stream_version DESC LIMIT 1
