-- Project $1 has the canvas of its version $2 again: what the last version that changed it left.
UPDATE project SET canvas = (
  SELECT canvas FROM version WHERE project = $1 AND version <= $2 AND canvas IS NOT NULL ORDER BY version DESC LIMIT 1
)
WHERE id = $1
