-- The proxy of version $2 of project $1 can be played again.
UPDATE proxy_use SET folding = false WHERE project = $1 AND version = $2 AND folding
