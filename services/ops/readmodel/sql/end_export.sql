-- Export $1 has status $2, for the reason $3 if there is one, since $4.
UPDATE export SET status = $2, error = $3, finished_at = $4 WHERE id = $1
