-- Exports of project $1: all, or of version $2, or only the one with id $3; newest first, after the one made at $4 with
-- id $5, at most $6. A pin of one profile says more than a pin of all.
SELECT x.id, x.project, x.version, x.profile, x.status, x.key, x.size, x.sha256, x.error, x.created_at, x.finished_at,
       k.profile AS pin_profile, k.reason AS pin_reason, k.expires_at AS pin_expires_at, k.owner AS pin_owner,
       k.mode AS pin_mode, x.reproduced, x.metadata::text AS metadata
FROM export x LEFT JOIN LATERAL (
  SELECT profile, reason, expires_at, owner, mode FROM pins_in_force(now()) AS pin
  WHERE pin.project = x.project AND pin.version = x.version AND pin.profile IN ('*', x.profile)
  ORDER BY pin.profile = '*' LIMIT 1
) AS k ON true
WHERE x.project = $1 AND ($2::int IS NULL OR x.version = $2) AND ($3::text IS NULL OR x.id = $3)
  AND ($4::timestamptz IS NULL OR (x.created_at, x.id) < ($4, $5))
ORDER BY x.created_at DESC, x.id DESC LIMIT $6
