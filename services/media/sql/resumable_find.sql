-- An upload, and whether its time is over.
SELECT id, tenant, actor, name, metadata, size, received, expires_at, video_id, problem, lost, begun_at,
       expires_at < clock_timestamp() AS late
FROM resumable WHERE id = :id AND tenant = :tenant
