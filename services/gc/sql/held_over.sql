-- Hours that are over, once: what differs from the hour before.
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
