-- Exports of project $1, version $2 and profile $3 are kept for the reason $4 until $5.
INSERT INTO pin (project, version, profile, reason, expires_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT ON CONSTRAINT pin_key DO UPDATE SET reason = excluded.reason, expires_at = excluded.expires_at
