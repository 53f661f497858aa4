-- All of a tenant's files by class and project. A video of one project is that project's own. One of several is counted
-- once, without a project, and shared by each.
WITH mine AS (SELECT project_id FROM project WHERE tenant = :tenant),
users AS (
  SELECT m.media_id, m.size + m.derived AS size, m.size * greatest(m.ref_count - 1, 0) AS saved, m.status,
         count(u.project_id) AS projects, min(u.project_id) AS one
  FROM media m LEFT JOIN media_use u USING (media_id)
  WHERE m.tenant = :tenant AND m.status <> 'deleted' GROUP BY m.media_id
)
SELECT class, project_id, CAST(sum(objects) AS bigint) AS objects, CAST(sum(bytes) AS bigint) AS bytes,
       CAST(sum(shared) AS bigint) AS shared, CAST(sum(saved) AS bigint) AS saved
FROM (
SELECT 'exports' AS class, project_id, count(*) AS objects, sum(size) AS bytes, 0 AS shared,
       sum(CASE WHEN frames > 0 THEN size * (frames - encoded) / frames ELSE 0 END) AS saved
FROM export JOIN mine USING (project_id) WHERE status = 'ready' GROUP BY project_id
UNION ALL
SELECT 'archive', project_id, count(*), sum(size), 0, 0
FROM export JOIN mine USING (project_id) WHERE archive IS NOT NULL GROUP BY project_id
UNION ALL
SELECT 'proxies', project_id, count(*), sum(size), 0,
       sum(CASE WHEN frames > 0 THEN size * (frames - encoded) / frames ELSE 0 END)
FROM proxy JOIN mine USING (project_id) WHERE NOT deleted GROUP BY project_id
UNION ALL
SELECT 'recipes', project_id, count(*), 0, 0, sum(size)
FROM proxy JOIN mine USING (project_id) WHERE folded GROUP BY project_id
UNION ALL
SELECT CASE status WHEN 'archived' THEN 'archive' ELSE 'videos' END,
       CASE WHEN projects = 1 AND status <> 'archived' THEN one ELSE '' END, count(*), sum(size),
       sum(CASE WHEN projects > 1 THEN size ELSE 0 END), sum(saved)
FROM users GROUP BY 1, 2
UNION ALL
SELECT 'videos', u.project_id, 0, 0, sum(users.size), 0
FROM users JOIN media_use u USING (media_id) WHERE users.projects > 1 AND users.status <> 'archived'
GROUP BY u.project_id
) AS counted GROUP BY class, project_id ORDER BY class, project_id
