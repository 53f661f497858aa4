DELETE FROM storage WHERE tenant = :tenant AND hour = :hour
