-- Version and profile of what projects have rendered and keep, or are about to.
SELECT project_id, version, profile FROM export
WHERE project_id = ANY(:ids) AND status IN ('queued', 'ready', 'archived')
UNION ALL
SELECT project_id, version, 'proxy' FROM proxy WHERE project_id = ANY(:ids) AND NOT deleted
