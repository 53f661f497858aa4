-- What became of objects; what was said of one before stays. :rows is a list.
INSERT INTO run_item (run_id, object_id, outcome, reason, position)
SELECT :run_id, id, outcome, reason, position
FROM json_to_recordset(CAST(:rows AS json)) AS item (id text, outcome text, reason text, position bigint)
ON CONFLICT DO NOTHING
