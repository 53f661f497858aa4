-- In their order.
SELECT start, size, sha256, key FROM resumable_part WHERE upload_id = :upload_id ORDER BY start
