-- What tenant $1 used in hour $2, which is being reported in this transaction.
UPDATE used SET reported = true WHERE tenant = $1 AND hour = $2 AND NOT reported
RETURNING budget, project_id, amount
