"""Where originals are as the log tells it, and what tenants may hold."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE video ADD COLUMN stored text NOT NULL DEFAULT 'there'")
    op.execute("ALTER TABLE video ADD COLUMN stored_position bigint NOT NULL DEFAULT 0")
    op.execute("GRANT DELETE ON answer TO cutlog_media")


def downgrade() -> None:
    raise RuntimeError("What was uploaded is never forgotten; restore a backup instead.")
