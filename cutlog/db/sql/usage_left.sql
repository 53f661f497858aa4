-- Slices that were begun at least $1 seconds ago and not finished, after that of tenant $2 and key $3.
SELECT tenant, key, begun_at < clock_timestamp() - interval '1 day' AS old FROM slice_begun
 WHERE begun_at <= clock_timestamp() - make_interval(secs => $1) AND (tenant, key) > ($2, $3)
 ORDER BY tenant, key LIMIT 200
