-- Whoever locks the first move of an object does it; others pass it over and those that follow it. What is deleted has
-- been looked at before.
SELECT intent, action, source, target, folder, found, state FROM move
WHERE done_at IS NULL AND (action <> 'delete' OR found IS NOT NULL) AND intent <> ALL (CAST(:passed AS text[]))
  AND NOT EXISTS (
    SELECT FROM move AS earlier
    WHERE earlier.object_id = move.object_id AND earlier.position < move.position AND earlier.done_at IS NULL
  )
ORDER BY position LIMIT :limit FOR UPDATE SKIP LOCKED
