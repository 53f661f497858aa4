-- Of these media, those that none of the projects uses and that the subject has not uploaded.
SELECT wanted.id AS media FROM unnest($1::text[]) AS wanted(id)
WHERE NOT EXISTS (SELECT FROM media_use WHERE media_use.media = wanted.id AND media_use.project = ANY ($2::text[]))
  AND NOT EXISTS (
    SELECT FROM event
    WHERE event.stream = 'media.' || wanted.id AND event.type IN ('MediaUploaded', 'MediaDeduplicated')
      AND event.meta ->> 'actor' = $3
  )
