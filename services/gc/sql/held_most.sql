-- The most that was held this hour, day and month.
WITH time AS MATERIALIZED (
  SELECT clock_timestamp() AS now
)
SELECT budget, project_id,
       coalesce(max(amount) FILTER (WHERE hour >= date_trunc('hour', now, 'UTC')), 0) AS hour,
       coalesce(max(amount) FILTER (WHERE hour >= date_trunc('day', now, 'UTC')), 0) AS day, max(amount) AS month
  FROM held, time
 WHERE tenant = :tenant AND hour >= date_trunc('month', now, 'UTC')
 GROUP BY budget, project_id
