-- Bytes of an upload are lost, unless it has ended already.
WITH mine AS (
  UPDATE resumable SET lost = true WHERE id = :id AND video_id IS NULL AND problem IS NULL RETURNING id
), parts AS (
  DELETE FROM resumable_part USING mine WHERE resumable_part.upload_id = mine.id
)
SELECT count(*) FROM mine
