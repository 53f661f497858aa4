"""Videos are examined again: which of the sets of renditions is theirs, and what made it."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE video ADD COLUMN revision integer NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE video ADD COLUMN examined_by integer NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE video ADD COLUMN not_examined text")


def downgrade() -> None:
    raise RuntimeError("What was uploaded is never forgotten; restore a backup instead.")
