-- Which projects use which videos: one of :projects for each of :videos.
INSERT INTO use (video_id, project_id) SELECT * FROM unnest(CAST(:videos AS text[]), CAST(:projects AS text[]))
ON CONFLICT DO NOTHING
