-- Media of tenant $1 that an imported file may mean: ids $2, SHA-256s $3, or names $4, in small letters, of files with or without their suffix.
SELECT id, state::text AS state
FROM media
WHERE tenant = $1
  AND ref_count > 0
  AND (
    id = ANY ($2::text[])
    OR state ->> 'sha256' = ANY ($3::text[])
    OR lower(state ->> 'name') = ANY ($4::text[])
    OR lower(regexp_replace(state ->> 'name', '\.[^.]*$', '')) = ANY ($4::text[])
  )
ORDER BY id
LIMIT 20000
