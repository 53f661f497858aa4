-- The last position given, 0 in an empty log, and the log's own id.
SELECT position, log_id FROM head
