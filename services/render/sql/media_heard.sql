-- The last that was heard of media; :heard is a list of rows.
INSERT INTO media (media_id, status, position)
SELECT media_id, status, position FROM json_populate_recordset(NULL::media, CAST(:heard AS json))
ON CONFLICT (media_id) DO UPDATE SET status = excluded.status, position = excluded.position
 WHERE excluded.position >= media.position
