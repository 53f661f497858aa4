-- What is held, if it is the most of this hour. The whole of a budget has an empty project; what belongs to none is part
-- of it only.
INSERT INTO held (tenant, hour, budget, project_id, amount)
SELECT :tenant, date_trunc('hour', clock_timestamp(), 'UTC'), h ->> 0, h ->> 1, (h ->> 2)::bigint
  FROM jsonb_array_elements(CAST(:held AS jsonb)) AS h
ON CONFLICT (tenant, hour, budget, project_id) DO UPDATE SET amount = greatest(held.amount, excluded.amount)
