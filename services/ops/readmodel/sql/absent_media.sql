-- Those of the media $1 that are unknown, or whose last upload was removed, or that are
-- archived or deleted.
SELECT id FROM unnest($1::text[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM media WHERE media.id = named.id AND ref_count > 0
                  AND coalesce(state ->> 'stored', 'there') = 'there') LIMIT 1
