-- What a run brought.
SELECT legacy_id, video_id, refs, alias FROM brought WHERE run = :run
