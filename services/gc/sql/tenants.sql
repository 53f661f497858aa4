-- Everybody who has anything.
SELECT tenant FROM project UNION SELECT tenant FROM media ORDER BY tenant
