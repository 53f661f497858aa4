-- Proxies of older versions that nobody works on yet: a newer version makes them pointless.
UPDATE job SET status = 'superseded', updated_at = clock_timestamp()
 WHERE kind = 'proxy' AND project_id = :project_id AND version < :version
   AND status IN ('waiting', 'queued', 'admitted') AND NOT asked
