"""What frontends of the old backend said of videos."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE described (
          video_id    text PRIMARY KEY,
          title       text,
          description text NOT NULL DEFAULT '',
          tags        text[] NOT NULL DEFAULT '{}'
        )
    """)
    op.execute("GRANT SELECT, INSERT ON described TO cutlog_media")


def downgrade() -> None:
    op.execute("DROP TABLE described")
