"""The event log: append-only by GRANT, gapless by `head`."""

from __future__ import annotations

from alembic import op

from services.ops.log.sql import statement

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE head (
          one      boolean PRIMARY KEY DEFAULT true CHECK (one),
          position bigint NOT NULL DEFAULT 0,
          log_id   uuid NOT NULL DEFAULT gen_random_uuid()
        ) WITH (fillfactor = 10)
    """)
    op.execute("INSERT INTO head DEFAULT VALUES")
    op.execute("""
        CREATE TABLE event (
          position bigint PRIMARY KEY,
          stream   text NOT NULL,
          version  int NOT NULL CHECK (version > 0),
          id       uuid NOT NULL CONSTRAINT event_id UNIQUE,
          type     text NOT NULL,
          data     jsonb NOT NULL,
          meta     jsonb NOT NULL,
          at       timestamptz NOT NULL,
          CONSTRAINT event_stream_version UNIQUE (stream, version)
        )
    """)
    op.execute("""
        CREATE TABLE answer (
          tenant      text NOT NULL,
          key         text NOT NULL,
          fingerprint text NOT NULL,
          status      int NOT NULL,
          body        bytea NOT NULL,
          position    bigint NOT NULL,
          at          timestamptz NOT NULL DEFAULT clock_timestamp(),
          CONSTRAINT answer_key PRIMARY KEY (tenant, key)
        )
    """)
    op.execute(statement("append"))
    op.execute("GRANT SELECT, INSERT ON event, answer TO cutlog_ops")
    op.execute("GRANT SELECT, UPDATE (position) ON head TO cutlog_ops")


def downgrade() -> None:
    raise RuntimeError("The log is never dropped; restore a backup instead.")
