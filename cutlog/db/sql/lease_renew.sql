-- Extends the lease $1 by $3 seconds from now, unless somebody else has taken it since the token $2 was given.
UPDATE lease SET expires_at = clock_timestamp() + make_interval(secs => $3) WHERE name = $1 AND token = $2
RETURNING token
