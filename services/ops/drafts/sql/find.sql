-- Draft $2 of project $1, unless it has expired. It is used, so it is kept on.
UPDATE draft SET expires_at = clock_timestamp() + kept_for
WHERE project = $1 AND id = $2 AND expires_at > clock_timestamp()
RETURNING id, revision, author, version, ops::text AS ops, duration, created_at, expires_at, answer::text AS answer
