-- Version $2 of project $1, with the event that made it and what is the project's latest proxy.
SELECT v.version, v.position, v.duration, v.digest, (coalesce(canvas.of_version, p.canvas)->'fps')::text AS fps,
       v.proxy_key, v.proxy_failed, p.latest_proxy_version,
       coalesce((e.data->'imported'->>'at')::timestamptz, e.at) AS at,
       coalesce(e.data->'imported'->>'author', e.meta->>'actor') AS actor, e.data->>'message' AS message,
       e.data ? 'imported' AS imported, v.undoes, v.gesture
FROM version v JOIN project p ON p.id = v.project JOIN event e ON e.position = v.position
LEFT JOIN LATERAL (
  SELECT c.canvas AS of_version FROM version c
  WHERE c.project = v.project AND c.version <= v.version AND c.canvas IS NOT NULL ORDER BY c.version DESC LIMIT 1
) AS canvas ON true
WHERE v.project = $1 AND v.version = $2
