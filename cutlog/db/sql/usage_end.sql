-- Slices of tenant $1 whose objects, $2, are stored: each becomes a row and counts, once, whoever says so how often.
WITH time AS MATERIALIZED (
  SELECT clock_timestamp() AS now
), ended AS (
  DELETE FROM slice_begun WHERE tenant = $1 AND key = ANY($2::text[]) RETURNING key, project_id, amounts
), kept AS (
  INSERT INTO slice (tenant, key, number, project_id, amounts, at)
  SELECT $1, key, 1 + (SELECT count(*) FROM slice WHERE slice.tenant = $1 AND slice.key = ended.key), project_id, amounts, now
    FROM ended, time
)
INSERT INTO used (tenant, hour, project_id, budget, amount)
SELECT $1, date_trunc('hour', now, 'UTC'), project_id, a.key, sum(a.value::bigint)
  FROM ended, time, jsonb_each_text(amounts) AS a GROUP BY 2, 3, 4 ORDER BY 3, 4
ON CONFLICT (tenant, hour, project_id, budget) DO UPDATE SET amount = used.amount + excluded.amount
