-- The projects that use a video.
SELECT project_id FROM use WHERE video_id = :video_id
