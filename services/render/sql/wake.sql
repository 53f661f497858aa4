-- Jobs that waited for media of which none is being processed any more.
UPDATE job SET status = 'queued', needs = '{}', updated_at = clock_timestamp()
 WHERE status = 'waiting' AND not_before <= clock_timestamp()
   AND NOT EXISTS (
     SELECT FROM unnest(job.needs) AS need LEFT JOIN media ON media.media_id = need
      WHERE coalesce(media.status, 'processing') = 'processing'
   )
