-- What projects of tenant $1 used this hour, day and month.
WITH time AS MATERIALIZED (
  SELECT clock_timestamp() AS now
)
SELECT budget, project_id,
       coalesce(sum(amount) FILTER (WHERE hour >= date_trunc('hour', now, 'UTC')), 0)::bigint AS hour,
       coalesce(sum(amount) FILTER (WHERE hour >= date_trunc('day', now, 'UTC')), 0)::bigint AS day,
       sum(amount)::bigint AS month
  FROM used, time
 WHERE tenant = $1 AND hour >= date_trunc('month', now, 'UTC')
 GROUP BY budget, project_id ORDER BY month DESC, project_id
