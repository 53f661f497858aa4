-- Proxies of older versions that nobody has worked on: a newer version makes them pointless. One that was begun and
-- came back, for a reason, is made to its end: its film may lie in the store already, and only its event be missing.
UPDATE job SET status = 'superseded', updated_at = clock_timestamp()
 WHERE kind = 'proxy' AND project_id = :project_id AND version < :version
   AND status IN ('waiting', 'queued', 'admitted') AND NOT asked AND reason IS NULL
