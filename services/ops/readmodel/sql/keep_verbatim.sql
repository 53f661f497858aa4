-- From version $2 on, the ops of project $1 could not be translated, for the reason $3. The first that is said stays.
UPDATE project
SET imported = jsonb_build_object('keptFrom', $2::int, 'why', $3::text) || coalesce(imported, '{}'::jsonb) WHERE id = $1
