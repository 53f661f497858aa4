-- What is about to be deleted and was not looked at yet.
SELECT intent, source, folder FROM move
WHERE done_at IS NULL AND found IS NULL AND action = 'delete' AND intent <> ALL (CAST(:passed AS text[]))
ORDER BY position LIMIT :limit FOR UPDATE SKIP LOCKED
