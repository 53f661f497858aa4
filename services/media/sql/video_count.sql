-- So many uploads more.
UPDATE video SET ref_count = ref_count + :by WHERE id = :id RETURNING *
