-- A slice of tenant $1 and key $2 that was begun and never made.
DELETE FROM slice_begun WHERE tenant = $1 AND key = $2 AND begun_at < clock_timestamp() - interval '1 day'
