-- Whether a video has its bytes there, or another upload is about to put them there.
SELECT EXISTS (SELECT FROM video WHERE key = :key) OR EXISTS (SELECT FROM upload WHERE key = :key)
