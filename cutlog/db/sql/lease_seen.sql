-- Who holds the lease $1, and whether it is still good.
SELECT holder, token, expires_at > clock_timestamp() AS good FROM lease WHERE name = $1
