-- Whether a worker holds its lease: without it, what it begins would be taken for the work of a dead one.
SELECT EXISTS (SELECT FROM lease WHERE name = 'worker ' || :worker AND expires_at > clock_timestamp())
