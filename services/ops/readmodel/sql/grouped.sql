-- Version $2 of project $1 takes versions $3 back, and belongs to gesture $4; null, if it does not.
UPDATE version SET undoes = $3::int[], gesture = $4 WHERE project = $1 AND version = $2
