-- How many exports of tenant $1 wait or are rendered.
SELECT count(*) FROM export x JOIN project p ON p.id = x.project WHERE p.tenant = $1 AND x.status = 'queued'
