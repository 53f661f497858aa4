-- Proxies of these versions: one of :versions for each of :projects.
SELECT project_id, version, key, size, rendered_at, deleted, frames, encoded, folded
FROM proxy WHERE (project_id, version) IN (SELECT * FROM unnest(CAST(:projects AS text[]), CAST(:versions AS int[])))
