-- Export $1 of project $2, version $3, profile $4 was asked for at $5, the first time or again.
INSERT INTO export (id, project, version, profile, status, created_at) VALUES ($1, $2, $3, $4, 'queued', $5)
ON CONFLICT (id) DO UPDATE SET status = 'queued', error = NULL, finished_at = NULL
