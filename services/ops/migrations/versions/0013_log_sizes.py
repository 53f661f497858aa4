"""How many bytes of the log each project has, as far as somebody asked."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE log_size (
          project text PRIMARY KEY,
          version int NOT NULL,
          bytes   bigint NOT NULL
        )
    """)
    op.execute("COMMENT ON COLUMN log_size.version IS 'of the stream, up to which its events are counted'")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON log_size TO cutlog_ops")


def downgrade() -> None:
    op.execute("DROP TABLE log_size")
