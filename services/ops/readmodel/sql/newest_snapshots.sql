-- The newest snapshot of each project that this build can read (format $1): project, version, state.
SELECT DISTINCT ON (project) project, version, state FROM snapshot WHERE format = $1 ORDER BY project, version DESC
