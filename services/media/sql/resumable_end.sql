-- What became of an upload; its parts are not needed any more.
WITH parts AS (DELETE FROM resumable_part WHERE upload_id = :id)
UPDATE resumable SET video_id = :video_id, problem = :problem WHERE id = :id
