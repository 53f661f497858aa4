-- Media as the events have left them, in place of what was known; :rows is a list.
INSERT INTO media (
  media_id, tenant, name, sha256, size, key, home, generation, ref_count, uploaded_at, touched_at, status,
  derived, archived_at, revision, revised_at
)
SELECT media_id, tenant, name, sha256, size, key, home, generation, ref_count, uploaded_at, touched_at,
       status, derived, archived_at, revision, revised_at
FROM json_populate_recordset(NULL::media, CAST(:rows AS json))
ON CONFLICT (media_id) DO UPDATE
SET tenant = excluded.tenant, name = excluded.name, sha256 = excluded.sha256, size = excluded.size,
    key = excluded.key, home = excluded.home, generation = excluded.generation,
    ref_count = excluded.ref_count, uploaded_at = excluded.uploaded_at, touched_at = excluded.touched_at,
    status = excluded.status, derived = excluded.derived, archived_at = excluded.archived_at,
    revision = excluded.revision, revised_at = excluded.revised_at
