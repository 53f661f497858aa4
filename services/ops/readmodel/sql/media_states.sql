-- The states of those of the media $1 that belong to tenant $2.
SELECT id, state::text AS state FROM media WHERE id = ANY ($1::text[]) AND tenant = $2
