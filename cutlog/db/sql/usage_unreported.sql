-- Tenants and hours that ended at least two minutes ago, so that nothing is added to them any more, and were not reported.
SELECT tenant, hour FROM used
 WHERE NOT reported AND hour + interval '62 minutes' <= clock_timestamp()
 GROUP BY tenant, hour ORDER BY hour, tenant LIMIT 100
