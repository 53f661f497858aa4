-- The last position given, 0 in an empty log, the log's own id, and the key under which its messages are sealed.
SELECT position, log_id, seal FROM head
