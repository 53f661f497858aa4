-- Where the events after position $1 belong, at most $2 of them.
SELECT position, stream FROM event WHERE position > $1 ORDER BY position LIMIT $2
