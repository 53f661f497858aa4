-- Its next turn is after that of all others.
UPDATE video SET scrubbed_at = clock_timestamp() WHERE id = :id
