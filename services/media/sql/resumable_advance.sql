-- So many bytes are durable, if none were added since :before.
UPDATE resumable SET received = :received, expires_at = clock_timestamp() + CAST(:ttl AS interval)
WHERE id = :id AND received = :before AND NOT lost
RETURNING id, tenant, actor, name, metadata, size, received, expires_at, video_id, problem, lost, begun_at
