-- Which projects use which media; :rows is a list.
INSERT INTO media_use (
  media_id, project_id
)
SELECT media_id, project_id
FROM json_populate_recordset(NULL::media_use, CAST(:rows AS json))
ON CONFLICT DO NOTHING
