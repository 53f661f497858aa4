"""Which pins hold is said once."""

from __future__ import annotations

from alembic import op

from services.gc.sql import plain

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(plain("pins_in_force"))


def downgrade() -> None:
    op.execute("DROP FUNCTION pins_in_force")
