INSERT INTO resumable (id, tenant, actor, name, metadata, size, expires_at)
VALUES (:id, :tenant, :actor, :name, :metadata, :size, clock_timestamp() + CAST(:ttl AS interval))
RETURNING id, tenant, actor, name, metadata, size, received, expires_at, video_id, problem, lost, begun_at
