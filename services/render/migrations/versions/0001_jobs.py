"""Jobs, which this service alone decides about, and what it has heard of media."""

from __future__ import annotations

from alembic import op

from cutlog.bus.tables import create_checkpoint, create_outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE job (
          job_id     text PRIMARY KEY,
          kind       text NOT NULL CHECK (kind IN ('proxy', 'export')),
          tenant     text NOT NULL,
          project_id text NOT NULL,
          version    int NOT NULL,
          export_id  text,
          profile    text NOT NULL,
          digest     text NOT NULL DEFAULT '',
          status     text NOT NULL CHECK (status IN
                       ('waiting', 'queued', 'admitted', 'running', 'done', 'failed', 'cancelled', 'superseded')),
          asked      boolean NOT NULL DEFAULT false,
          position   bigint NOT NULL,
          trace      text NOT NULL,
          admission  int NOT NULL DEFAULT 0,
          attempt    int NOT NULL DEFAULT 0,
          failures   int NOT NULL DEFAULT 0,
          worker     text,
          needs      text[] NOT NULL DEFAULT '{}',
          reason     text,
          not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
          created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
          updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
          CHECK ((kind = 'export') = (export_id IS NOT NULL))
        )
    """)
    op.execute("COMMENT ON COLUMN job.asked IS 'somebody asked for just this version: it is never passed over'")
    op.execute("COMMENT ON COLUMN job.position IS 'of the event that asked for it last'")
    op.execute("COMMENT ON COLUMN job.digest IS 'of the timeline, as far as the log has told it'")
    op.execute("COMMENT ON COLUMN job.admission IS 'counts messages on JOBS; only the last one may start it'")
    op.execute("COMMENT ON COLUMN job.attempt IS 'counts starts; only the last one has a say'")
    op.execute("COMMENT ON COLUMN job.needs IS 'media that are being processed'")
    op.execute("""
        CREATE INDEX job_open ON job (kind, status, position)
        WHERE status IN ('waiting', 'queued', 'admitted', 'running')
    """)
    op.execute("CREATE INDEX job_of_project ON job (project_id, version)")
    op.execute("""
        CREATE TABLE media (
          media_id text PRIMARY KEY,
          status   text NOT NULL CHECK (status IN ('processing', 'ready', 'failed')),
          position bigint NOT NULL
        )
    """)
    create_checkpoint(op, "cutlog_render")
    create_outbox(op, "cutlog_render")
    op.execute("GRANT SELECT, INSERT, UPDATE ON job TO cutlog_render")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON media TO cutlog_render")


def downgrade() -> None:
    op.execute("DROP TABLE job, media, checkpoint, outbox")
