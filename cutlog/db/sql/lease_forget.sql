-- Removes leases that ended more than a day ago, such as those of workers, whose names never come again.
DELETE FROM lease WHERE expires_at < clock_timestamp() - interval '1 day'
