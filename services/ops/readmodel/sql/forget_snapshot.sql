DELETE FROM snapshot WHERE project = $1 AND version = $2
