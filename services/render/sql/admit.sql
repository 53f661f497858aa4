-- Queued jobs of a kind whose turn it is, at most :room of them not yet taken by a worker.
-- Of a project, one proxy at a time; of tenants, first the one that had the least work lately for its weight, each job at
-- work counting as :slice seconds more, and none beyond the number that it may have at work at once. Of a tenant's proxies,
-- first those that had less work, though the others do not wait longer than they have worked. Tenants that used up an hourly
-- budget wait for the next hour. :limits is by tenant, and `*` for all others.
WITH busy AS MATERIALIZED (
  SELECT tenant, project_id, status FROM job WHERE kind = :kind AND status IN ('admitted', 'running')
), candidate AS (
  SELECT DISTINCT ON (CASE kind WHEN 'proxy' THEN project_id ELSE job_id END) job_id, tenant, position,
         CASE kind WHEN 'proxy' THEN greatest(0, worked - extract(epoch FROM clock_timestamp() - updated_at)) ELSE 0 END
           AS worked
    FROM job
   WHERE kind = :kind AND status = 'queued' AND not_before <= clock_timestamp()
     AND (kind <> 'proxy' OR NOT EXISTS (SELECT FROM busy WHERE busy.project_id = job.project_id))
   ORDER BY CASE kind WHEN 'proxy' THEN project_id ELSE job_id END, asked DESC, version DESC
), ranked AS (
  SELECT job_id, position,
         row_number() OVER (PARTITION BY tenant ORDER BY worked, position)
         + (SELECT count(*) FROM busy WHERE busy.tenant = candidate.tenant) AS turn,
         coalesce((SELECT seconds * exp(extract(epoch FROM spent.at - clock_timestamp()) / 60)
                     FROM spent WHERE spent.kind = :kind AND spent.tenant = candidate.tenant), 0) AS had,
         mine, EXISTS (
           SELECT FROM used WHERE used.tenant = candidate.tenant AND hour = date_trunc('hour', clock_timestamp(), 'UTC')
            GROUP BY budget HAVING sum(amount) >= (mine -> 'per_hour' ->> budget)::bigint) AS used_up
    FROM candidate
   CROSS JOIN LATERAL (
     SELECT coalesce(CAST(:limits AS jsonb) -> tenant, CAST(:limits AS jsonb) -> '*', '{}') AS mine) AS its
), picked AS (
  SELECT job_id FROM ranked
   WHERE turn <= coalesce((mine ->> 'at_once')::int, 2147483647) AND NOT used_up
   ORDER BY (had + :slice * turn) / coalesce((mine ->> 'weight')::float8, 1), position
   LIMIT greatest(0, :room - (SELECT count(*) FROM busy WHERE status = 'admitted'))
)
UPDATE job SET status = 'admitted', admission = admission + 1, updated_at = clock_timestamp()
  FROM picked WHERE job.job_id = picked.job_id
RETURNING job.*
