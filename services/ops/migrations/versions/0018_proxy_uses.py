"""Until when a proxy may be played by those who were given a link to it, and whether it is being folded."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE proxy_use (
          project text NOT NULL,
          version int NOT NULL,
          until   timestamptz NOT NULL,
          folding boolean NOT NULL DEFAULT false,
          PRIMARY KEY (project, version)
        )
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE ON proxy_use TO cutlog_ops")


def downgrade() -> None:
    op.execute("DROP TABLE proxy_use")
