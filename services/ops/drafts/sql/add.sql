-- A new draft $1 of project $2 by $3: ops $5 on version $4, which make it $6 frames long and use media $7; kept for $8
-- seconds after its last use. Nothing, if the project has $9 drafts.
INSERT INTO draft (id, project, author, version, ops, duration, media, kept_for, expires_at)
SELECT $1, $2, $3, $4, $5::text::jsonb, $6, $7, make_interval(secs => $8), clock_timestamp() + make_interval(secs => $8)
WHERE (SELECT count(*) FROM draft WHERE project = $2 AND expires_at > clock_timestamp()) < $9
RETURNING id, revision, author, version, ops::text AS ops, duration, created_at, expires_at, answer::text AS answer
