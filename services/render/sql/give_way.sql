-- Jobs at which a worker is, or helps, while somebody with a better claim waits for one: `seconds` of this attempt, and whether the
-- job is `passed` over by a newer version. An admitted job that nobody took at once finds all workers busy. Of two tenants,
-- the one that had less work lately for its weight has the better claim; of two proxies of one tenant, the one that was
-- worked on less. A proxy is not passed over where the one begun before it was: while somebody edits on and on, none would
-- ever be shown. One whose tenant has `used_up` an hourly budget gives way to nobody: it waits for the next hour.
SELECT mine.job_id, mine.attempt, ran.seconds, newer.exists AS passed, over.used_up
  FROM job AS mine
 CROSS JOIN LATERAL (
   SELECT extract(epoch FROM clock_timestamp() - mine.updated_at)::float8 AS seconds,
          coalesce((SELECT s.seconds * exp(extract(epoch FROM s.at - clock_timestamp()) / 60)
                      FROM spent AS s WHERE s.kind = mine.kind AND s.tenant = mine.tenant), 0) AS had,
          coalesce((coalesce(CAST(:limits AS jsonb) -> mine.tenant, CAST(:limits AS jsonb) -> '*') ->> 'weight')::float8, 1)
            AS weight
 ) AS ran
 CROSS JOIN LATERAL (
   SELECT mine.kind = 'proxy' AND NOT mine.asked AND EXISTS (
     SELECT FROM job AS next
      WHERE next.kind = 'proxy' AND next.project_id = mine.project_id AND next.version > mine.version
        AND next.status = 'queued')
     AND NOT EXISTS (
       SELECT FROM job AS before
        WHERE before.kind = 'proxy' AND before.project_id = mine.project_id AND before.version < mine.version
          AND before.status = 'superseded' AND before.attempt > 0
          AND before.version > coalesce((
            SELECT max(version) FROM job AS shown
             WHERE shown.kind = 'proxy' AND shown.project_id = mine.project_id AND shown.status = 'done'
               AND shown.version < mine.version), -1)) AS exists
 ) AS newer
 CROSS JOIN LATERAL (
   SELECT EXISTS (
     SELECT FROM used WHERE used.tenant = mine.tenant AND hour = date_trunc('hour', clock_timestamp(), 'UTC')
      GROUP BY budget HAVING sum(amount) >= (coalesce(CAST(:limits AS jsonb) -> mine.tenant, CAST(:limits AS jsonb) -> '*')
                                             -> 'per_hour' ->> budget)::bigint) AS used_up
 ) AS over
 WHERE mine.status = 'running' AND (mine.worker = :worker OR mine.job_id = ANY(:helping))
   AND (newer.exists OR over.used_up OR EXISTS (
     SELECT FROM job AS other
      CROSS JOIN LATERAL (
        SELECT coalesce((SELECT s.seconds * exp(extract(epoch FROM s.at - clock_timestamp()) / 60)
                           FROM spent AS s WHERE s.kind = other.kind AND s.tenant = other.tenant), 0) AS had,
               coalesce((coalesce(CAST(:limits AS jsonb) -> other.tenant, CAST(:limits AS jsonb) -> '*')
                         ->> 'weight')::float8, 1) AS weight
      ) AS its
      WHERE other.kind = mine.kind AND other.status = 'admitted'
        AND other.updated_at < clock_timestamp() - make_interval(secs => 0.5)
        AND CASE WHEN other.tenant = mine.tenant THEN mine.kind = 'proxy' AND other.worked < mine.worked + ran.seconds
                 ELSE its.had / its.weight < (ran.had + ran.seconds) / ran.weight END))
