-- Bytes that were seen to be gone from the store, of the files that a run sent on their way: by events, and by itself.
SELECT CAST(coalesce(sum(freed), 0) AS bigint) FROM (
  SELECT move.freed FROM move JOIN run_item USING (position)
  WHERE run_item.run_id = :run_id AND move.intent LIKE 'event %'
  UNION ALL
  SELECT freed FROM move WHERE starts_with(intent, CAST(:run_id AS text) || ' ')
) AS moved
