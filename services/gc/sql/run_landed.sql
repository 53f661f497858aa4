-- Positions of events that an act had led to before it was cut short, by object: those since it began that no other act
-- has noted as its own. :archive is how keys in the archive begin.
SELECT move.object_id, max(move.position) AS position
FROM move JOIN run ON run.run_id = :run_id AND move.at >= run.at
WHERE move.object_id = ANY(:ids) AND move.intent LIKE 'event %'
  AND CASE run.action
        WHEN 'archive' THEN move.action = 'move' AND starts_with(move.target, :archive)
        WHEN 'restore' THEN move.action = 'move' AND starts_with(move.source, :archive)
        WHEN 'delete' THEN move.action = 'delete'
      END
  AND NOT EXISTS (SELECT FROM run_item WHERE run_item.run_id <> :run_id AND run_item.position = move.position)
GROUP BY move.object_id
