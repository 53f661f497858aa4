-- Slices that a worker is about to make for project $2 of tenant $1, as JSON in $3: each with the key of its object and what
-- it uses. One that somebody finished since $4, when the worker looked what was missing, is not counted again.
INSERT INTO slice_begun (tenant, key, project_id, amounts)
SELECT $1, s ->> 'key', $2, s -> 'amounts' FROM jsonb_array_elements(CAST($3::text AS jsonb)) AS s
 WHERE NOT EXISTS (SELECT FROM slice WHERE slice.tenant = $1 AND slice.key = s ->> 'key' AND slice.at >= $4)
ON CONFLICT DO NOTHING
