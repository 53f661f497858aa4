SELECT media_id, ref_count FROM media
