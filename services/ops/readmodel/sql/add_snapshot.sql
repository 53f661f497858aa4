-- Project $1 as of version $2 and version $3 of its stream, in format $4.
INSERT INTO snapshot (project, version, stream_version, format, state) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT ON CONSTRAINT snapshot_key DO NOTHING
