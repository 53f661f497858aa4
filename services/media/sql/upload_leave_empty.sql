-- One that ended before it was known where its bytes would be has left nothing.
DELETE FROM upload WHERE id = :id AND key IS NULL
