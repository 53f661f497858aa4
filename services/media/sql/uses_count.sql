-- How many projects use each video.
SELECT video_id, count(*) AS projects FROM use WHERE video_id = ANY(:ids) GROUP BY video_id
