-- Calls the function of `append_versions.sql`.
SELECT first, at, data FROM append_versions($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
