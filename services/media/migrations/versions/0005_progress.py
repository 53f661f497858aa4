"""How far the edit proxy of a video is."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE video ADD COLUMN progress double precision NOT NULL DEFAULT 0")


def downgrade() -> None:
    raise RuntimeError("What was uploaded is never forgotten; restore a backup instead.")
