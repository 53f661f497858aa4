"""Pins have an owner and a mode; exports say whether they came out again the same."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE pin ADD COLUMN owner text, ADD COLUMN mode text NOT NULL DEFAULT 'normal'")
    op.execute("ALTER TABLE export ADD COLUMN reproduced text")


def downgrade() -> None:
    op.execute("ALTER TABLE export DROP COLUMN reproduced")
    op.execute("ALTER TABLE pin DROP COLUMN owner, DROP COLUMN mode")
