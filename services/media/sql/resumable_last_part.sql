-- How much has come, and the last part: in one statement, so that both are of one moment.
SELECT resumable.received, part.start, part.size, part.sha256, part.key
FROM resumable LEFT JOIN resumable_part AS part ON part.upload_id = resumable.id
WHERE resumable.id = :id ORDER BY part.start DESC NULLS LAST LIMIT 1
