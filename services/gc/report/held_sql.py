"""Statements that count what a tenant holds by budget and project."""

from __future__ import annotations

from typing import Final

#: Originals and what was made of them belong to a project if it is the only one that uses them. Segments and previews
#: are as they were when the storage was last rolled up, since their objects have to be listed for that.
HELD: Final = """
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
"""

#: The whole of a budget has an empty project; what belongs to none is part of it only.
KEEP: Final = """
INSERT INTO held (tenant, hour, budget, project_id, amount)
SELECT :tenant, date_trunc('hour', clock_timestamp(), 'UTC'), h ->> 0, h ->> 1, (h ->> 2)::bigint
  FROM jsonb_array_elements(CAST(:held AS jsonb)) AS h
ON CONFLICT (tenant, hour, budget, project_id) DO UPDATE SET amount = greatest(held.amount, excluded.amount)
"""

#: Hours that are over, once: what differs from the hour before.
OVER: Final = """
WITH over AS (
  UPDATE held SET reported = true
   WHERE tenant = :tenant AND hour < date_trunc('hour', clock_timestamp(), 'UTC') AND NOT reported
  RETURNING hour, budget, project_id, amount
)
SELECT hour, budget, project_id, amount FROM over
 WHERE NOT EXISTS (
   SELECT FROM held AS before
    WHERE before.tenant = :tenant AND before.hour = over.hour - interval '1 hour' AND before.budget = over.budget
      AND before.project_id = over.project_id AND before.amount = over.amount)
 ORDER BY hour, budget, project_id
"""

MOST: Final = """
WITH time AS MATERIALIZED (
  SELECT clock_timestamp() AS now
)
SELECT budget, project_id,
       coalesce(max(amount) FILTER (WHERE hour >= date_trunc('hour', now, 'UTC')), 0) AS hour,
       coalesce(max(amount) FILTER (WHERE hour >= date_trunc('day', now, 'UTC')), 0) AS day, max(amount) AS month
  FROM held, time
 WHERE tenant = :tenant AND hour >= date_trunc('month', now, 'UTC')
 GROUP BY budget, project_id
"""
