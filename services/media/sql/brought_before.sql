-- What became of a video when it was brought before.
SELECT video.id, video.ref_count FROM video JOIN brought ON brought.video_id = video.id
WHERE brought.tenant = :tenant AND brought.source = :source AND brought.legacy_id = :legacy_id
