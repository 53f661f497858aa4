-- What was found of a video, unless it is another's file by now; with :again it is to be derived from again.
UPDATE video
SET scrubbed_at = clock_timestamp(), rotten = :rotten,
    derive_at = CASE WHEN :again THEN clock_timestamp() ELSE derive_at END,
    derive_left = CASE WHEN :again THEN :attempts ELSE derive_left END
WHERE id = :id AND generation = :generation AND key = :key
