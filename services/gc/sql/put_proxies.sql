-- Proxies as the events have left them, in place of what was known; :rows is a list.
INSERT INTO proxy (
  project_id, version, key, size, rendered_at, deleted, frames, encoded, folded
)
SELECT project_id, version, key, size, rendered_at, deleted, frames, encoded, folded
FROM json_populate_recordset(NULL::proxy, CAST(:rows AS json))
ON CONFLICT (project_id, version) DO UPDATE
SET key = excluded.key, size = excluded.size, rendered_at = excluded.rendered_at, deleted = excluded.deleted,
    frames = excluded.frames, encoded = excluded.encoded, folded = excluded.folded
