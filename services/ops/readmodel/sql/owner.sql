-- Whose project $1 is, its newest version, and whether it is deleted.
SELECT tenant, version, deleted_at IS NOT NULL AS deleted FROM project WHERE id = $1
