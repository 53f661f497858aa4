-- Ends the sessions that the credential $1 has made.
DELETE FROM session WHERE origin = $1 RETURNING id
