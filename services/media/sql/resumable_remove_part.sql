DELETE FROM resumable_part WHERE key = :key
