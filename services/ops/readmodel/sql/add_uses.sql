-- Media that versions began to use; only the first version of a project counts.
INSERT INTO media_use (media, project, version)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[])
ON CONFLICT (media, project) DO NOTHING
