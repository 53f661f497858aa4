-- Project $1 was made at $4 in another store: $2 names it, $3 is the project's id there. Nulls change nothing.
UPDATE project SET created_at = coalesce($4, created_at),
  imported = jsonb_build_object('source', $2::text, 'legacyId', $3::text) || coalesce(imported, '{}'::jsonb)
WHERE id = $1
