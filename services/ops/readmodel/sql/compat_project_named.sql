-- The project of tenant $1 whose id is $2, or was that in the store that it came from.
SELECT id, imported IS NOT NULL AS brought FROM project
WHERE tenant = $1 AND deleted_at IS NULL AND (id = $2 OR imported->>'legacyId' = $2) ORDER BY id = $2 DESC LIMIT 1
