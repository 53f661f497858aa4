UPDATE move SET done_at = clock_timestamp(), freed = :freed, note = :note WHERE intent = :intent
