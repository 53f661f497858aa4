-- Resumable uploads of a tenant that are going on, and the bytes of all they announced.
SELECT count(*) AS files, CAST(coalesce(sum(size), 0) AS bigint) AS bytes
FROM resumable WHERE tenant = :tenant AND video_id IS NULL AND problem IS NULL AND NOT lost
