-- Versions that somebody gave a message; :rows is a list.
INSERT INTO tagged (
  project_id, version, message
)
SELECT project_id, version, message
FROM json_populate_recordset(NULL::tagged, CAST(:rows AS json))
ON CONFLICT (project_id, version) DO UPDATE
SET message = excluded.message
