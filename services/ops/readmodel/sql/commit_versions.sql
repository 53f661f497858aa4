-- New versions of projects, in order ($1 to $5); and each of those projects, named once, at its newest ($6 to $9).
WITH added AS (
  INSERT INTO version (project, version, position, duration, digest)
  SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::text[])
)
UPDATE project SET version = u.version, duration = u.duration, updated_at = u.at
FROM unnest($6::text[], $7::int[], $8::int[], $9::timestamptz[]) AS u (id, version, duration, at)
WHERE project.id = u.id
