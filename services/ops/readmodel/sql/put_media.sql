-- Media $1 of tenant $2 as version $3 of its stream left it: $4 live uploads, all else in $5.
INSERT INTO media (id, tenant, stream_version, ref_count, state) VALUES ($1, $2, $3, $4, $5::text::jsonb)
ON CONFLICT (id) DO UPDATE
SET stream_version = excluded.stream_version, ref_count = excluded.ref_count, state = excluded.state
