DELETE FROM brought WHERE run = :run
