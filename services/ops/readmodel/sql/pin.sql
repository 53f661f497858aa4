-- Exports of project $1, version $2 and profile $3 are kept for the reason $4 until $5, by $6, in the mode $7.
INSERT INTO pin (project, version, profile, reason, expires_at, owner, mode) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (project, version, profile) DO UPDATE
SET reason = excluded.reason, expires_at = excluded.expires_at, owner = excluded.owner, mode = excluded.mode
