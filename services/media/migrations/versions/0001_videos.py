"""Videos, uploads under way, answers kept for retries, and which projects use what."""

from __future__ import annotations

from alembic import op

from cutlog.bus.tables import create_checkpoint, create_outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE video (
          id          text PRIMARY KEY,
          tenant      text NOT NULL,
          sha256      text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
          size        bigint NOT NULL CHECK (size > 0),
          generation  int NOT NULL,
          key         text NOT NULL,
          name        text NOT NULL,
          kind        text NOT NULL,
          facts       jsonb NOT NULL,
          ref_count   int NOT NULL CHECK (ref_count >= 0),
          status      text NOT NULL,
          error       text,
          renditions  jsonb NOT NULL,
          actor       text NOT NULL,
          trace       text NOT NULL,
          created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
          derive_at   timestamptz,
          derive_run  int NOT NULL DEFAULT 0,
          derive_left int NOT NULL,
          CONSTRAINT video_content UNIQUE (tenant, sha256)
        )
    """)
    op.execute("CREATE INDEX video_of_tenant ON video (tenant, id) WHERE ref_count > 0")
    op.execute("CREATE INDEX video_to_derive ON video (derive_at) WHERE derive_at IS NOT NULL")
    op.execute("""
        CREATE TABLE upload (
          id          text PRIMARY KEY,
          tenant      text NOT NULL,
          key         text,
          lease_until timestamptz NOT NULL,
          begun_at    timestamptz NOT NULL DEFAULT clock_timestamp()
        )
    """)
    op.execute("CREATE INDEX upload_to_key ON upload (key) WHERE key IS NOT NULL")
    op.execute("""
        CREATE TABLE answer (
          tenant      text NOT NULL,
          key         text NOT NULL,
          fingerprint text NOT NULL,
          status      int NOT NULL,
          body        bytea NOT NULL,
          at          timestamptz NOT NULL DEFAULT clock_timestamp(),
          CONSTRAINT answer_key PRIMARY KEY (tenant, key)
        )
    """)
    op.execute("""
        CREATE TABLE refusal (
          key    text PRIMARY KEY,
          code   text NOT NULL,
          detail text NOT NULL,
          at     timestamptz NOT NULL DEFAULT clock_timestamp()
        )
    """)
    op.execute("""
        CREATE TABLE use (
          video_id   text NOT NULL,
          project_id text NOT NULL,
          PRIMARY KEY (video_id, project_id)
        )
    """)
    create_checkpoint(op, "cutlog_media")
    create_outbox(op, "cutlog_media")
    op.execute("GRANT SELECT, INSERT, UPDATE ON video TO cutlog_media")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON upload TO cutlog_media")
    op.execute("GRANT SELECT, INSERT ON answer, refusal TO cutlog_media")
    op.execute("GRANT SELECT, INSERT, DELETE ON use TO cutlog_media")


def downgrade() -> None:
    raise RuntimeError("What was uploaded is never forgotten; restore a backup instead.")
