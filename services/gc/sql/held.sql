-- What a tenant holds by budget and project. Originals and what was made of them belong to a project if it is the only one
-- that uses them. Segments and previews are as they were when the storage was last rolled up, since their objects have to
-- be listed for that.
WITH mine AS (SELECT project_id FROM project WHERE tenant = :tenant),
users AS (
  SELECT m.size, m.derived, CASE WHEN count(u.project_id) = 1 THEN min(u.project_id) ELSE '' END AS project_id
  FROM media m LEFT JOIN media_use u USING (media_id)
  WHERE m.tenant = :tenant AND m.status <> 'deleted' GROUP BY m.media_id
)
SELECT budget, project_id, sum(amount)::bigint AS amount FROM (
SELECT 'originalBytes' AS budget, project_id, size AS amount FROM users
UNION ALL
SELECT 'files', project_id, 1 FROM users
UNION ALL
SELECT 'derivedBytes', project_id, derived FROM users
UNION ALL
SELECT 'derivedBytes', project_id, size FROM export JOIN mine USING (project_id)
 WHERE status = 'ready' OR archive IS NOT NULL
UNION ALL
SELECT 'derivedBytes', project_id, size FROM proxy JOIN mine USING (project_id) WHERE NOT deleted
UNION ALL
SELECT 'derivedBytes', project_id, bytes FROM storage
 WHERE tenant = :tenant AND class IN ('segments', 'previews')
   AND hour = (SELECT max(hour) FROM storage WHERE tenant = :tenant)
) AS counted GROUP BY budget, project_id ORDER BY budget, amount DESC, project_id
