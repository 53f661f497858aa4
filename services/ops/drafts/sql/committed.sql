-- Draft $1 led to $2.
UPDATE draft SET answer = $2::text::jsonb WHERE id = $1
