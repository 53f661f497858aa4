SELECT id, ref_count FROM video
