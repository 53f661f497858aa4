-- Draft $2 of project $1 has ops $3 now, which make it $4 frames long and use media $5: its next revision. One that was
-- committed stays what it was.
UPDATE draft SET ops = $3::text::jsonb, duration = $4, media = $5, revision = revision + 1,
                 expires_at = clock_timestamp() + kept_for
WHERE project = $1 AND id = $2 AND expires_at > clock_timestamp() AND answer IS NULL
RETURNING id, revision, author, version, ops::text AS ops, duration, created_at, expires_at, answer::text AS answer
