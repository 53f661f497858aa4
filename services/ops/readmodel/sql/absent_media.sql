-- Those of the media $1 that are unknown, or whose last upload was removed.
SELECT id FROM unnest($1::text[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM media WHERE media.id = named.id AND ref_count > 0) LIMIT 1
