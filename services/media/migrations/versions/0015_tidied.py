"""What ended attempts to process a video left in the store is removed: when somebody should look for it."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE video ADD COLUMN tidy_at timestamptz")
    op.execute("CREATE INDEX video_tidy ON video (tidy_at) WHERE tidy_at IS NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE video DROP COLUMN tidy_at")
