"""PostgreSQL: engines for services, migrations for the owner."""
