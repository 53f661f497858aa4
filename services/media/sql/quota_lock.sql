-- Until the transaction ends no other file of the tenant is added.
SELECT pg_advisory_xact_lock(hashtextextended('quota/' || CAST(:tenant AS text), 0))
