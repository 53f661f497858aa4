-- Removes what is too old.
DELETE FROM resumable WHERE expires_at < clock_timestamp() RETURNING id
