-- How many projects use media $1 in any version, or in a draft.
SELECT count(*) FROM (
  SELECT project FROM media_use WHERE media = $1
  UNION
  SELECT project FROM draft WHERE $1 = ANY(media) AND expires_at > clock_timestamp()
) AS uses
