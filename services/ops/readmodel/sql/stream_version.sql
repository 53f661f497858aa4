-- The newest version of stream $1; 0, if it has no events.
SELECT coalesce(max(version), 0) FROM event WHERE stream = $1
