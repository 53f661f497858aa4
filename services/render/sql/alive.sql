-- Whether a worker holds its lock: without it, what it begins would be taken for the work of a dead one.
SELECT EXISTS (
  SELECT FROM pg_locks
   WHERE locktype = 'advisory' AND granted AND objsubid = 1
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND ((classid::int8 << 32) | objid::int8) = hashtextextended('render worker ' || :worker, 0))
