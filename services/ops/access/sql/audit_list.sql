-- Entries of a tenant, the newest first, before a position.
SELECT position, at, subject, credential, address, action, target, detail
FROM audit
WHERE tenant = $1
  AND ($2::bigint IS NULL OR position < $2)
  AND ($3::text IS NULL OR subject = $3)
  AND ($4::text IS NULL OR action = $4 OR action LIKE $4 || '.%')
  AND ($5::timestamptz IS NULL OR at >= $5)
  AND ($6::timestamptz IS NULL OR at < $6)
ORDER BY position DESC
LIMIT $7
