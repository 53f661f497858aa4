-- The time of the database, which is the only one that counts.
SELECT now()
