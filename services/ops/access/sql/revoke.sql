-- A credential by its id ($1), or all of a subject ($2, $3) that were issued until now; remembered for $4 seconds.
WITH head AS (UPDATE revocation_head SET position = position + 1 RETURNING position)
INSERT INTO revocation (position, id, tenant, subject, before, until)
SELECT head.position, $1::text, $2::text, $3::text,
       CASE WHEN $1::text IS NULL THEN clock_timestamp() END, clock_timestamp() + make_interval(secs => $4)
FROM head
