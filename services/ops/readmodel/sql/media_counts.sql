SELECT id, ref_count FROM media
