-- Whether the lease $1 is still that of the token $2.
SELECT EXISTS (SELECT FROM lease WHERE name = $1 AND token = $2 AND expires_at > clock_timestamp())
