"""One machine's stack: PostgreSQL, NATS, Caddy and the services as supervised child processes (`cutlog up`)."""
