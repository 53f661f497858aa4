-- A slice of tenant $1 and project $2 that was finished in this transaction, of key $3; $4 is what it used, as JSON. A key
-- counts once.
WITH kept AS (
  INSERT INTO slice (tenant, key, number, project_id, amounts, at)
  VALUES ($1, $3, 1, $2, CAST($4::text AS jsonb), clock_timestamp())
  ON CONFLICT DO NOTHING RETURNING amounts, at
)
INSERT INTO used (tenant, hour, project_id, budget, amount)
SELECT $1, date_trunc('hour', at, 'UTC'), $2, a.key, a.value::bigint FROM kept, jsonb_each_text(amounts) AS a ORDER BY 4
ON CONFLICT (tenant, hour, project_id, budget) DO UPDATE SET amount = used.amount + excluded.amount
