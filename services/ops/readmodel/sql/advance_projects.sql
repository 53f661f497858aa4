-- Projects at their newest version; each project is named once.
UPDATE project SET version = u.version, duration = u.duration, updated_at = u.at
FROM unnest($1::text[], $2::int[], $3::int[], $4::timestamptz[]) AS u (id, version, duration, at)
WHERE project.id = u.id
