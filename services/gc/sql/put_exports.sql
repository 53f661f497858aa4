-- Exports as the events have left them, in place of what was known; :rows is a list.
INSERT INTO export (
  export_id, project_id, version, profile, status, key, size, sha256, finished_at, home, archive, archived_at,
  frames, encoded
)
SELECT export_id, project_id, version, profile, status, key, size, sha256, finished_at, home, archive,
       archived_at, frames, encoded
FROM json_populate_recordset(NULL::export, CAST(:rows AS json))
ON CONFLICT (export_id) DO UPDATE
SET project_id = excluded.project_id, version = excluded.version, profile = excluded.profile,
    status = excluded.status, key = excluded.key, size = excluded.size, sha256 = excluded.sha256,
    finished_at = excluded.finished_at, home = excluded.home, archive = excluded.archive,
    archived_at = excluded.archived_at, frames = excluded.frames, encoded = excluded.encoded
