"""Uploads that go on after a break."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE resumable (
          id         text PRIMARY KEY,
          tenant     text NOT NULL,
          actor      text NOT NULL,
          name       text NOT NULL,
          metadata   text NOT NULL,
          size       bigint NOT NULL CHECK (size > 0),
          received   bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND size),
          expires_at timestamptz NOT NULL,
          video_id   text,
          problem    text,
          begun_at   timestamptz NOT NULL DEFAULT clock_timestamp()
        )
    """)
    op.execute("CREATE INDEX resumable_of_tenant ON resumable (tenant) WHERE video_id IS NULL AND problem IS NULL")
    op.execute("CREATE INDEX resumable_to_expire ON resumable (expires_at)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON resumable TO cutlog_media")


def downgrade() -> None:
    raise RuntimeError("What was uploaded is never forgotten; restore a backup instead.")
