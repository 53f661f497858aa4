-- Project $1 is hidden since $2; shown again, if $2 is null.
UPDATE project SET deleted_at = $2 WHERE id = $1
