DELETE FROM audit WHERE at < clock_timestamp() - make_interval(secs => $1)
