-- Exports that may go: $1 tenant, $2 the moment, $3 least time to live, $4 least number of newest that are kept, $5
-- projects to erase, $6 whether that is all of them, $7 whether every version with a message is kept.
SELECT r.export_id, r.version, r.profile, r.key, r.size, r.finished_at, r.project_id, r.deleted_at, r.newer, r.highest,
       t.message
FROM (
  SELECT e.export_id, e.version, e.profile, e.key, e.size, e.finished_at, e.project_id, p.deleted_at,
         row_number() OVER (PARTITION BY e.project_id ORDER BY e.finished_at DESC, e.version DESC, e.export_id DESC) - 1
           AS newer,
         max(e.version) OVER (PARTITION BY e.project_id) AS highest,
         p.deleted_at IS NOT NULL AND ($6 OR e.project_id = ANY ($5::text[])) AS erasing
  FROM export e JOIN project p USING (project_id)
  WHERE p.tenant = $1 AND e.status = 'ready'
) AS r
LEFT JOIN tagged t ON t.project_id = r.project_id AND t.version = r.version AND r.deleted_at IS NULL
WHERE (r.erasing
       OR (greatest(r.finished_at, r.deleted_at) + $3::interval <= $2
           AND (r.deleted_at IS NOT NULL OR r.newer >= greatest($4, 1) AND r.version < r.highest)
           AND NOT ($7 AND t.message IS NOT NULL)))
  AND NOT EXISTS (
    SELECT FROM pins_in_force($2) AS k
    WHERE k.project_id = r.project_id AND k.version = r.version AND (NOT r.erasing OR k.mode <> 'normal')
      AND (k.profile IS NULL OR k.profile = r.profile))
ORDER BY r.project_id, r.newer
