-- Project $1 gets name $2, if it is not null, and those parts of a canvas that are in $3.
UPDATE project SET name = coalesce($2, name), canvas = canvas || $3::text::jsonb WHERE id = $1
