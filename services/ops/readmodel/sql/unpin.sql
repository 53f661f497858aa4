-- Exports of project $1, version $2 and profile $3 are kept no longer.
DELETE FROM pin WHERE project = $1 AND version = $2 AND profile = $3
