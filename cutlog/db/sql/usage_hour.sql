-- What tenant $1 used this hour, by budget.
SELECT budget, sum(amount)::bigint AS amount FROM used
 WHERE tenant = $1 AND hour = date_trunc('hour', clock_timestamp(), 'UTC') GROUP BY budget
