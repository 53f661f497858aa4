-- Exports of a tenant, or of one of its projects, that the newest plan names, or that are in the archive; none that is
-- pinned. An export is marked since the first of the plans that name it without a gap until now.
WITH newest AS (
  SELECT plan_id FROM plan WHERE tenant = :tenant AND NOT simulated ORDER BY plan_id DESC LIMIT 1
)
SELECT e.export_id, e.project_id, p.name, e.version, e.key, e.size, e.finished_at, e.status,
       CASE WHEN e.status = 'archived' THEN coalesce(e.archived_at, e.finished_at) ELSE (
         SELECT min(q.at) FROM plan q
         JOIN plan_candidate c ON c.plan_id = q.plan_id AND c.object_id = e.export_id
         WHERE q.tenant = :tenant AND NOT q.simulated AND q.plan_id > coalesce((
           SELECT r.plan_id FROM plan r WHERE r.tenant = :tenant AND NOT r.simulated AND NOT EXISTS (
             SELECT 1 FROM plan_candidate d WHERE d.plan_id = r.plan_id AND d.object_id = e.export_id
           ) ORDER BY r.plan_id DESC LIMIT 1
         ), '')
       ) END AS marked_at
FROM export e JOIN project p ON p.project_id = e.project_id
WHERE p.tenant = :tenant AND (CAST(:project AS text) IS NULL OR e.project_id = :project) AND e.key IS NOT NULL
  AND (e.status = 'archived' OR (e.status = 'ready' AND EXISTS (
    SELECT 1 FROM plan_candidate c JOIN newest ON newest.plan_id = c.plan_id WHERE c.object_id = e.export_id
  )))
  AND NOT EXISTS (
    SELECT FROM pins_in_force(now()) AS pin
    WHERE pin.project_id = e.project_id AND pin.version = e.version
      AND (pin.profile IS NULL OR pin.profile = e.profile)
  )
ORDER BY marked_at, e.export_id
