-- The proxy of version $2 of project $1 is folded, if its last use ended at least ten minutes ago.
INSERT INTO proxy_use AS used (project, version, until, folding)
VALUES ($1, $2, '-infinity', true)
ON CONFLICT (project, version) DO UPDATE SET folding = true
WHERE used.folding OR used.until <= clock_timestamp() - interval '10 minutes'
RETURNING folding
