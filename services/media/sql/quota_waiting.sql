-- Seconds of video and audio that are being processed, or wait for it.
SELECT CAST(coalesce(sum(ceil(CAST(facts ->> 'duration' AS numeric))), 0) AS bigint)
FROM video WHERE tenant = :tenant AND status = 'processing' AND stored <> 'deleted'
