-- Which of these are somebody's.
SELECT id FROM video WHERE id = ANY(:ids)
