-- Where its bytes will be.
UPDATE upload SET key = :key, lease_until = clock_timestamp() + CAST(:lease AS interval) WHERE id = :id
