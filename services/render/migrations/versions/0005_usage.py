"""What tenants used: finished slices of work, and sums by hour."""

from __future__ import annotations

from alembic import op

from cutlog.db.usage import create_usage, drop_usage

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_usage(op, "cutlog_render")


def downgrade() -> None:
    drop_usage(op)
