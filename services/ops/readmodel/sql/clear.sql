-- All that is derived from the log; nothing of the log itself.
WITH projects AS (DELETE FROM project), versions AS (DELETE FROM version), exports AS (DELETE FROM export),
     pins AS (DELETE FROM pin), uses AS (DELETE FROM media_use), aliases AS (DELETE FROM media_alias)
DELETE FROM media
