"""Media are read newest first, as they are listed."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX media_newest ON media (tenant, uploaded_at DESC, media_id DESC)")


def downgrade() -> None:
    op.execute("DROP INDEX media_newest")
