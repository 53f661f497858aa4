-- The upload goes on with another attempt: its row is there again if an attempt has ended it.
INSERT INTO upload (id, tenant, lease_until) VALUES (:id, :tenant, clock_timestamp() + CAST(:lease AS interval))
ON CONFLICT DO NOTHING
