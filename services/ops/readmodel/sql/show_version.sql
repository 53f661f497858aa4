-- Version $2 of project $1, with the event that made it and what is the project's latest proxy.
SELECT v.version, v.position, v.duration, v.digest, v.proxy_key, v.proxy_failed, p.latest_proxy_version,
       coalesce((e.data->'imported'->>'at')::timestamptz, e.at) AS at,
       coalesce(e.data->'imported'->>'author', e.meta->>'actor') AS actor, e.data->>'message' AS message
FROM version v JOIN project p ON p.id = v.project JOIN event e ON e.position = v.position
WHERE v.project = $1 AND v.version = $2
