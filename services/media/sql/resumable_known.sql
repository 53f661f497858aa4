SELECT id FROM resumable WHERE id = ANY(:ids)
