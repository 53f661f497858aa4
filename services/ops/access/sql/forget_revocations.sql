DELETE FROM revocation WHERE until < clock_timestamp()
