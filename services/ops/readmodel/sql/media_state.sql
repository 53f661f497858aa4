-- The state of media $1 of any tenant, and the version of its stream.
SELECT tenant, stream_version, state::text AS state FROM media WHERE id = $1
