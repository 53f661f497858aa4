"""Videos are listed newest first by when they were created, which for those of another store was there."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP INDEX video_of_tenant")
    op.execute("CREATE INDEX video_newest ON video (tenant, created_at DESC, id DESC) WHERE ref_count > 0")


def downgrade() -> None:
    op.execute("DROP INDEX video_newest")
    op.execute("CREATE INDEX video_of_tenant ON video (tenant, id) WHERE ref_count > 0")
