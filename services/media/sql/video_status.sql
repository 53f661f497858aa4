SELECT status FROM video WHERE id = :id
