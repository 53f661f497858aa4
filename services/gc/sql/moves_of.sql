-- Objects whose files have not followed their events yet.
SELECT object_id FROM move WHERE done_at IS NULL AND object_id = ANY(:ids)
