-- The id of the event at position $1.
SELECT id FROM event WHERE position = $1
