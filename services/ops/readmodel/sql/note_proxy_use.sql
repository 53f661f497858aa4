-- The proxy of version $2 of project $1 may be played for $3 seconds more, unless it is being folded.
INSERT INTO proxy_use AS used (project, version, until)
VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (project, version) DO UPDATE SET until = greatest(used.until, excluded.until) WHERE NOT used.folding
RETURNING until
