-- Rows of single slices are kept for this month and the one before: after that, their sums by hour are.
DELETE FROM slice WHERE at < date_trunc('month', clock_timestamp(), 'UTC') - interval '1 month'
