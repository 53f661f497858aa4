-- Ends the lease $1 of the token $2 at once: its holder gives it up, or is known to be dead.
UPDATE lease SET expires_at = clock_timestamp() WHERE name = $1 AND token = $2 AND expires_at > clock_timestamp()
