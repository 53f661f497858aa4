UPDATE upload SET lease_until = clock_timestamp() + CAST(:lease AS interval) WHERE id = :id
