DELETE FROM resumable WHERE id = :id
