-- Ends the session $1.
DELETE FROM session WHERE id = $1
