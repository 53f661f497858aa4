-- Pins as the events have left them, in place of what was known; :rows is a list.
INSERT INTO pin (
  project_id, version, profile, pinned, reason, expires_at, owner, mode
)
SELECT project_id, version, profile, pinned, reason, expires_at, owner, mode
FROM json_populate_recordset(NULL::pin, CAST(:rows AS json))
ON CONFLICT (project_id, version, profile) DO UPDATE
SET pinned = excluded.pinned, reason = excluded.reason, expires_at = excluded.expires_at,
    owner = excluded.owner, mode = excluded.mode
