"""Kept answers are the same few columns in every service."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE answer DROP COLUMN position")


def downgrade() -> None:
    op.execute("ALTER TABLE answer ADD COLUMN position bigint NOT NULL DEFAULT 0")
