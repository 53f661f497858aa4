-- Nothing is left of project $1.
WITH versions AS (DELETE FROM version WHERE project = $1), exports AS (DELETE FROM export WHERE project = $1),
     pins AS (DELETE FROM pin WHERE project = $1), uses AS (DELETE FROM media_use WHERE project = $1),
     snapshots AS (DELETE FROM snapshot WHERE project = $1)
DELETE FROM project WHERE id = $1
