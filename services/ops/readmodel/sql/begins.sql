-- The version of stream $1 after which a project begins: that before its import was taken back last, else none.
SELECT coalesce(max(version), 1) - 1 AS begins FROM event WHERE stream = $1 AND type = 'ProjectImportUndone'
