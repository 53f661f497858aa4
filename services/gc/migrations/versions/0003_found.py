"""What was there of a file before it was deleted, so that a crash between deleting and noting it loses no count."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE move ADD COLUMN found bigint")
    op.execute("GRANT UPDATE (found) ON move TO cutlog_gc")


def downgrade() -> None:
    op.execute("ALTER TABLE move DROP COLUMN found")
