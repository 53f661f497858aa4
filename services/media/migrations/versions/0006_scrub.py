"""When the objects of a video were last read, and what was found wrong."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE video ADD COLUMN scrubbed_at timestamptz, ADD COLUMN rotten text[] NOT NULL DEFAULT '{}'")
    op.execute("COMMENT ON COLUMN video.rotten IS 'keys of objects that are not what was stored, and can''t be mended'")
    op.execute("CREATE INDEX video_scrub ON video (scrubbed_at NULLS FIRST) WHERE stored <> 'deleted'")


def downgrade() -> None:
    raise RuntimeError("What was uploaded is never forgotten; restore a backup instead.")
