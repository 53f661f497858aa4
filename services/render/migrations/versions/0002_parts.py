"""Parts of films that several workers make together, and how many films a tenant may have at work."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE part (
          job_id     text NOT NULL REFERENCES job ON DELETE CASCADE,
          part_id    text NOT NULL,
          digests    text[] NOT NULL,
          frames     int NOT NULL,
          encoded    int NOT NULL DEFAULT 0,
          status     text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed')),
          worker     text,
          failures   int NOT NULL DEFAULT 0,
          reason     text,
          updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
          PRIMARY KEY (job_id, part_id)
        )
    """)
    op.execute("COMMENT ON TABLE part IS 'segments that one process of ffmpeg makes, while their job is running'")
    op.execute("COMMENT ON COLUMN part.digests IS 'of the segments, in order'")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON part TO cutlog_render")


def downgrade() -> None:
    op.execute("DROP TABLE part")
