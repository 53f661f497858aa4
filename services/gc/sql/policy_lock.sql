-- Two admins at once would take the same number, and one of them a refusal: they wait for each other instead.
SELECT pg_advisory_xact_lock(hashtextextended('gc.policy.' || CAST(:owner AS text), 0))
