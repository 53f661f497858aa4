-- Whoever is next to be processed, for as long as the lease is renewed. First what a version waits for, or what has waited
-- for a minute; then of tenants the one that had the least work lately for its weight, each of its videos at work counting
-- as :slice seconds more; of its videos first those that had less. :limits is by tenant, and `*` for all others.
UPDATE video
   SET derive_at = clock_timestamp() + :lease, derive_run = derive_run + 1, derive_left = greatest(derive_left - 1, -1)
 WHERE id = (
   SELECT due.id FROM video AS due
    WHERE due.status = :status AND due.derive_at <= clock_timestamp()
    ORDER BY due.derive_at < clock_timestamp() - interval '60 seconds'
               OR :status = 'processing' AND EXISTS (SELECT FROM use WHERE use.video_id = due.id) DESC,
             (coalesce((SELECT seconds * exp(extract(epoch FROM spent.at - clock_timestamp()) / 60)
                          FROM spent WHERE spent.tenant = due.tenant), 0)
              + :slice * (SELECT count(*) FROM video AS busy
                           WHERE busy.tenant = due.tenant AND busy.derive_at > clock_timestamp()))
             / coalesce((coalesce(CAST(:limits AS jsonb) -> due.tenant, CAST(:limits AS jsonb) -> '*')
                         ->> 'weight')::float8, 1),
             due.worked, due.derive_at
    LIMIT 1 FOR UPDATE OF due SKIP LOCKED)
RETURNING *
