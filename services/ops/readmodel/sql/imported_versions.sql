-- What came with those of the versions $2 to $3 of project $1 whose ops could not all be translated.
SELECT v.version, (e.data->'imported')::text AS imported
FROM version v JOIN event e ON e.position = v.position
WHERE v.project = $1 AND v.version >= $2 AND v.version <= $3 AND e.data->'imported'->>'why' IS NOT NULL
ORDER BY v.version
