"""Tables that every service has in its own schema, found through the role's search path."""

from __future__ import annotations

from types import ModuleType


def create_lease(op: ModuleType, role: str) -> None:
    """For a service's migration, with `alembic.op`: makes `lease` in the current schema, for the role to use."""
    op.execute("CREATE SEQUENCE lease_token")
    op.execute("""
        CREATE TABLE lease (
          name       text PRIMARY KEY,
          holder     text NOT NULL,
          token      bigint NOT NULL,
          taken_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
          expires_at timestamptz NOT NULL
        ) WITH (fillfactor = 50)
    """)
    op.execute("COMMENT ON COLUMN lease.token IS 'grows with every holder: who acts under an older one is stale'")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON lease TO {role}")
    op.execute(f"GRANT USAGE ON SEQUENCE lease_token TO {role}")


def drop_lease(op: ModuleType) -> None:
    """Takes it back."""
    op.execute("DROP TABLE lease")
    op.execute("DROP SEQUENCE lease_token")
