SELECT media_id, tenant, name, sha256, size, key, home, generation, ref_count, uploaded_at, touched_at,
       status, derived, archived_at, revision, revised_at
FROM media WHERE media_id = ANY(:ids)
