-- All that is derived from the log. Moves stay: what was done is not done again.
WITH exports AS (DELETE FROM export), pins AS (DELETE FROM pin), proxies AS (DELETE FROM proxy),
     tags AS (DELETE FROM tagged), media AS (DELETE FROM media), uses AS (DELETE FROM media_use)
DELETE FROM project
