-- Drafts that nobody has used for long enough go.
DELETE FROM draft WHERE expires_at <= clock_timestamp()
