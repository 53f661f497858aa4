-- Draft $2 of project $1 goes.
DELETE FROM draft WHERE project = $1 AND id = $2 AND expires_at > clock_timestamp()
