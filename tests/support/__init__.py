"""Real parts for tests: PostgreSQL, NATS, the whole stack, clips with painted frame numbers."""
