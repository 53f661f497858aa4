-- How many projects hold on to media $1, which some version of theirs uses: those that are not deleted, and those with a
-- pin, whose export can't be made again without it.
SELECT count(*) FROM media_use JOIN project ON project.id = media_use.project
WHERE media = $1
  AND (project.deleted_at IS NULL
       OR EXISTS (SELECT FROM pins_in_force(now()) AS pin WHERE pin.project = project.id))
