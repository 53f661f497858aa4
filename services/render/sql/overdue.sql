-- Admitted jobs that no worker took: their message may be lost. With a new one, the old one means nothing.
UPDATE job SET admission = admission + 1, updated_at = clock_timestamp()
 WHERE status = 'admitted' AND updated_at < clock_timestamp() - make_interval(secs => :seconds)
RETURNING *
