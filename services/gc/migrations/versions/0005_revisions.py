"""Which set of renditions a media has, and since when."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE media ADD COLUMN revision integer NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE media ADD COLUMN revised_at timestamptz")


def downgrade() -> None:
    raise RuntimeError("Audit and plans are never dropped; restore a backup instead.")
