-- Whether a video that was worked on for :ran seconds now must give way: another with a better claim has waited for half a
-- second, so that nobody is free. The claims are those of derive_claim.sql; of two videos of one tenant, the one that was
-- worked on less has the better.
SELECT EXISTS (
  SELECT FROM video AS mine
   CROSS JOIN LATERAL (
     SELECT mine.status = 'processing' AND EXISTS (SELECT FROM use WHERE use.video_id = mine.id) AS wanted,
            (coalesce((SELECT seconds * exp(extract(epoch FROM spent.at - clock_timestamp()) / 60)
                         FROM spent WHERE spent.tenant = mine.tenant), 0) + :ran)
            / coalesce((coalesce(CAST(:limits AS jsonb) -> mine.tenant, CAST(:limits AS jsonb) -> '*')
                        ->> 'weight')::float8, 1) AS had
   ) AS my
    JOIN video AS other ON other.status = mine.status AND other.id <> mine.id
                       AND other.derive_at < clock_timestamp() - interval '0.5 seconds'
   CROSS JOIN LATERAL (
     SELECT other.derive_at < clock_timestamp() - interval '60 seconds'
              OR other.status = 'processing' AND EXISTS (SELECT FROM use WHERE use.video_id = other.id) AS wanted,
            coalesce((SELECT seconds * exp(extract(epoch FROM spent.at - clock_timestamp()) / 60)
                        FROM spent WHERE spent.tenant = other.tenant), 0)
            / coalesce((coalesce(CAST(:limits AS jsonb) -> other.tenant, CAST(:limits AS jsonb) -> '*')
                        ->> 'weight')::float8, 1) AS had
   ) AS its
   WHERE mine.id = :id
     AND CASE WHEN its.wanted <> my.wanted THEN its.wanted
              WHEN other.tenant = mine.tenant THEN other.worked < mine.worked + :ran
              ELSE its.had < my.had END)
