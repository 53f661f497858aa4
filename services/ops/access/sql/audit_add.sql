INSERT INTO audit (key, at, tenant, subject, credential, address, action, target, detail)
VALUES ($1, coalesce($2::timestamptz, clock_timestamp()), $3, $4, $5, $6, $7, $8, $9::jsonb)
ON CONFLICT (key) DO NOTHING
