-- Calls the function of `commit_versions.sql`.
SELECT commit_versions($1, $2, $3, $4, $5, $6)
