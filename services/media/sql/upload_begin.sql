-- An upload, or one whose lease is over, taken over.
INSERT INTO upload (id, tenant, lease_until) VALUES (:id, :tenant, clock_timestamp() + CAST(:lease AS interval))
ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until WHERE upload.lease_until <= clock_timestamp()
