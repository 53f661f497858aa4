-- Projects as the events have left them, in place of what was known; :rows is a list.
INSERT INTO project (
  project_id, tenant, name, deleted_at, version
)
SELECT project_id, tenant, name, deleted_at, version
FROM json_populate_recordset(NULL::project, CAST(:rows AS json))
ON CONFLICT (project_id) DO UPDATE
SET tenant = excluded.tenant, name = excluded.name, deleted_at = excluded.deleted_at,
    version = excluded.version
