-- Those after a position.
SELECT position, id, tenant, subject, extract(epoch FROM before)::float8 AS before,
       extract(epoch FROM until)::float8 AS until
FROM revocation WHERE position > $1 ORDER BY position
