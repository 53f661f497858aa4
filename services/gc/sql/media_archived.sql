-- A media, or all that a project uses, as far as it lies in the archive.
SELECT media_id FROM media
WHERE status = 'archived'
  AND (media_id = :media_id OR media_id IN (SELECT media_id FROM media_use WHERE project_id = :project_id))
