-- The newest snapshot of each project that this build can read (format $1): project, version, stream_version, state.
SELECT DISTINCT ON (project) project, version, stream_version, state
FROM snapshot WHERE format = $1 ORDER BY project, version DESC
