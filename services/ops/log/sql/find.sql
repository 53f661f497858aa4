-- The last position and version of what was appended together with the event $1 as its first.
SELECT stream, position + n - 1 AS position, version + n::int - 1 AS version, at
FROM (SELECT *, coalesce((meta->>'events')::bigint, 1) AS n FROM event WHERE id = $1) AS first
