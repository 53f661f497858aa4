-- What a tenant has at the end of an hour; :rows is a list.
INSERT INTO storage (hour, tenant, project_id, class, objects, bytes, shared, saved)
SELECT :hour, :tenant, "projectId", class, objects, bytes, shared, saved
FROM json_to_recordset(CAST(:rows AS json))
  AS stored ("projectId" text, class text, objects bigint, bytes bigint, shared bigint, saved bigint)
ON CONFLICT DO NOTHING
