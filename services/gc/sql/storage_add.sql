-- What a tenant has at the end of an hour; :rows is a list.
INSERT INTO storage (hour, tenant, project_id, class, objects, bytes, shared, saved)
SELECT :hour, :tenant, project_id, class, objects, bytes, shared, saved
FROM json_populate_recordset(NULL::storage, CAST(:rows AS json))
ON CONFLICT DO NOTHING
