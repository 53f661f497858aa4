-- Removes an upload whose lease is over.
DELETE FROM upload WHERE id = :id AND lease_until < clock_timestamp() RETURNING key
