"""Parts of resumable uploads, where objects are in a bucket, and uploads whose bytes were lost."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE resumable ADD COLUMN lost boolean NOT NULL DEFAULT false")
    op.execute("""
        CREATE TABLE resumable_part (
          upload_id text   NOT NULL REFERENCES resumable ON DELETE CASCADE,
          start     bigint NOT NULL CHECK (start >= 0),
          size      bigint NOT NULL CHECK (size > 0),
          sha256    text   NOT NULL,
          key       text   NOT NULL UNIQUE,
          PRIMARY KEY (upload_id, start)
        )
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON resumable_part TO cutlog_media")


def downgrade() -> None:
    raise RuntimeError("What was uploaded is never forgotten; restore a backup instead.")
