INSERT INTO resumable_part (upload_id, start, size, sha256, key) VALUES (:upload_id, :start, :size, :sha256, :key)
