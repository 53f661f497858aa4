"""Which pins hold is said once."""

from __future__ import annotations

from alembic import op

from services.ops.readmodel.sql import statement

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(statement("pins_in_force"))


def downgrade() -> None:
    op.execute("DROP FUNCTION pins_in_force")
