-- One that ended without being counted may have left an object: its lease is over, and the sweep looks.
UPDATE upload SET lease_until = clock_timestamp() WHERE id = :id
