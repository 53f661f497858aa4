-- The drafts of project $1, the oldest first.
SELECT id, revision, author, version, ops::text AS ops, duration, created_at, expires_at, answer::text AS answer
FROM draft WHERE project = $1 AND expires_at > clock_timestamp() ORDER BY created_at, id
