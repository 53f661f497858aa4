"""Which API keys uploaded which videos: a key that is limited to projects sees its own."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE uploader (video_id text NOT NULL, subject text NOT NULL, PRIMARY KEY (subject, video_id))")
    op.execute("GRANT SELECT, INSERT ON uploader TO cutlog_media")


def downgrade() -> None:
    op.execute("DROP TABLE uploader")
