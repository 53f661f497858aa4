-- Version $2 of project $1 has no proxy, for the reason $3; one that was rendered before stays.
UPDATE version SET proxy_failed = $3 WHERE project = $1 AND version = $2 AND proxy_key IS NULL
