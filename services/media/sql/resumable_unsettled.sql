-- Uploads that are whole, and of which nobody has said what became of them.
SELECT id, tenant, actor, name, metadata, size, received, expires_at, video_id, problem, lost, begun_at
FROM resumable WHERE video_id IS NULL AND problem IS NULL AND NOT lost AND received = size
