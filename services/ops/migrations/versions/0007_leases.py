"""Leases: which process leads at what."""

from __future__ import annotations

from alembic import op

from cutlog.db.tables import create_lease, drop_lease

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_lease(op, "cutlog_ops")


def downgrade() -> None:
    drop_lease(op)
