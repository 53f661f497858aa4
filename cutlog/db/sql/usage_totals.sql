-- What each tenant used this hour, day and month.
WITH time AS MATERIALIZED (
  SELECT clock_timestamp() AS now
)
SELECT tenant, budget,
       coalesce(sum(amount) FILTER (WHERE hour >= date_trunc('hour', now, 'UTC')), 0)::bigint AS hour,
       coalesce(sum(amount) FILTER (WHERE hour >= date_trunc('day', now, 'UTC')), 0)::bigint AS day,
       sum(amount)::bigint AS month
  FROM used, time
 WHERE hour >= date_trunc('month', now, 'UTC')
 GROUP BY tenant, budget
