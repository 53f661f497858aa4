-- The next media of a tenant that were not deleted, newest first, after the one that was uploaded at :uploaded_at (null:
-- from the start) and has the id :media_id; all or only some.
SELECT media_id, name, key, home, size, derived, generation, ref_count, status, uploaded_at, touched_at, archived_at
FROM media
WHERE tenant = :tenant AND status <> 'deleted'
  AND (uploaded_at, media_id) < (coalesce(CAST(:uploaded_at AS timestamptz), 'infinity'), CAST(:media_id AS text))
  AND (CAST(:only AS text[]) IS NULL OR media_id = ANY(:only))
ORDER BY uploaded_at DESC, media_id DESC LIMIT :limit
