-- The file of export $2 of tenant $1, if it is in the archive.
SELECT x.key FROM export x JOIN project p ON p.id = x.project
WHERE p.tenant = $1 AND p.deleted_at IS NULL AND x.id = $2 AND x.status = 'archived'
