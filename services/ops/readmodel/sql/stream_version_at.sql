-- The newest version of stream $1 at position $2; null, if there was none.
SELECT version FROM event WHERE stream = $1 AND position <= $2 ORDER BY version DESC LIMIT 1
