-- Files that the log has let go and that are still to be removed.
SELECT source, folder FROM move WHERE done_at IS NULL AND action = 'delete'
