-- Files that events send on their way, each once however often it is told; :rows is a list.
INSERT INTO move (
  intent, position, class, object_id, tenant, project_id, action, source, target, folder, actor, at, state
)
SELECT intent, position, class, object_id, tenant, project_id, action, source, target, folder, actor, at, state
FROM json_populate_recordset(NULL::move, CAST(:rows AS json))
ON CONFLICT DO NOTHING
