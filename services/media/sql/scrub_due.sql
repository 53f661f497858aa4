-- Videos whose turn it is to be read: the ones that were not for longest first.
SELECT * FROM video
WHERE stored IN ('there', 'archived') AND derive_at IS NULL
  AND coalesce(scrubbed_at, created_at) < clock_timestamp() - CAST(:age AS interval)
ORDER BY scrubbed_at NULLS FIRST LIMIT :limit
