SELECT count(*) FROM move WHERE done_at IS NULL AND position <= :position
