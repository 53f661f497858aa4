-- How many projects hold on to media $1, which some version or draft of theirs uses: those that are not deleted, and
-- those with a pin, whose export can't be made again without it.
SELECT count(*)
FROM (
  SELECT project FROM media_use WHERE media = $1
  UNION
  SELECT project FROM draft WHERE $1 = ANY(media) AND expires_at > clock_timestamp()
) AS uses JOIN project ON project.id = uses.project
WHERE project.deleted_at IS NULL
      OR EXISTS (SELECT FROM pins_in_force(now()) AS pin WHERE pin.project = project.id)
