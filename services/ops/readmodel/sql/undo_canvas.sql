-- What versions after $2 up to $3 of project $1 made of its canvas is taken back.
WITH kept AS (
  SELECT (SELECT canvas FROM version WHERE project = $1 AND version <= $2 AND canvas IS NOT NULL ORDER BY version DESC LIMIT 1) AS before,
         (SELECT canvas FROM version WHERE project = $1 AND version <= $3 AND canvas IS NOT NULL ORDER BY version DESC LIMIT 1) AS after
)
UPDATE project SET canvas = canvas || coalesce((
  SELECT jsonb_object_agg(was.key, was.value) FROM kept CROSS JOIN jsonb_each(kept.before) AS was
  WHERE kept.after->was.key IS DISTINCT FROM was.value
), '{}')
WHERE id = $1
