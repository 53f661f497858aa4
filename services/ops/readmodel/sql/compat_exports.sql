-- Exports of project $1 that have a file, all or of version $2, newest first, with the length and canvas of their version
-- and the pins that hold.
SELECT x.id, x.version, x.profile, x.status, x.key, x.size, x.created_at, x.metadata::text AS metadata, v.duration,
       coalesce(canvas.of_version, p.canvas)::text AS canvas,
       coalesce((SELECT array_agg(pin.profile) FROM pins_in_force(now()) AS pin
         WHERE pin.project = x.project AND pin.version = x.version AND pin.profile IN ('*', x.profile)), '{}') AS pins
FROM export x
JOIN project p ON p.id = x.project
LEFT JOIN version v ON v.project = x.project AND v.version = x.version
LEFT JOIN LATERAL (
  SELECT c.canvas AS of_version FROM version c
  WHERE c.project = x.project AND c.version <= x.version AND c.canvas IS NOT NULL ORDER BY c.version DESC LIMIT 1
) AS canvas ON true
WHERE x.project = $1 AND ($2::int IS NULL OR x.version = $2) AND x.status IN ('ready', 'archived') AND x.key IS NOT NULL
ORDER BY x.created_at DESC, x.id DESC
