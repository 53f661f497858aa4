"""What reads need, derived from the log in the transaction that appends; and snapshots of projects."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE project (
          id                    text PRIMARY KEY,
          tenant                text NOT NULL,
          name                  text NOT NULL,
          canvas                jsonb NOT NULL,
          version               int NOT NULL DEFAULT 0,
          duration              int NOT NULL DEFAULT 0,
          latest_proxy_key      text,
          latest_proxy_version  int,
          latest_export_key     text,
          latest_export_version int,
          created_at            timestamptz NOT NULL,
          updated_at            timestamptz NOT NULL,
          deleted_at            timestamptz
        ) WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX project_list ON project (tenant, created_at DESC, id DESC)")
    op.execute("""
        CREATE TABLE version (
          project      text NOT NULL,
          version      int NOT NULL,
          position     bigint NOT NULL,
          duration     int NOT NULL,
          digest       text NOT NULL,
          proxy_key    text,
          proxy_failed text,
          CONSTRAINT version_key PRIMARY KEY (project, version)
        )
    """)
    op.execute("""
        CREATE TABLE export (
          id          text PRIMARY KEY,
          project     text NOT NULL,
          version     int NOT NULL,
          profile     text NOT NULL,
          status      text NOT NULL,
          key         text,
          size        bigint,
          sha256      text,
          error       text,
          created_at  timestamptz NOT NULL,
          finished_at timestamptz
        )
    """)
    op.execute("CREATE INDEX export_list ON export (project, created_at DESC, id DESC)")
    op.execute("""
        CREATE TABLE pin (
          project    text NOT NULL,
          version    int NOT NULL,
          profile    text NOT NULL,
          reason     text,
          expires_at timestamptz,
          CONSTRAINT pin_key PRIMARY KEY (project, version, profile)
        )
    """)
    op.execute("COMMENT ON COLUMN pin.profile IS 'a profile, or * for all'")
    op.execute("""
        CREATE TABLE media (
          id             text PRIMARY KEY,
          tenant         text NOT NULL,
          stream_version int NOT NULL,
          ref_count      int NOT NULL,
          state          jsonb NOT NULL
        )
    """)
    op.execute("""
        CREATE TABLE media_use (
          media   text NOT NULL,
          project text NOT NULL,
          version int NOT NULL,
          CONSTRAINT media_use_key PRIMARY KEY (media, project)
        )
    """)
    op.execute("COMMENT ON COLUMN media_use.version IS 'the first that uses it'")
    op.execute("""
        CREATE TABLE snapshot (
          project        text NOT NULL,
          version        int NOT NULL,
          stream_version int NOT NULL,
          format         int NOT NULL,
          state          bytea NOT NULL,
          CONSTRAINT snapshot_key PRIMARY KEY (project, stream_version)
        )
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON project, version, export, pin, media, media_use TO cutlog_ops")
    op.execute("GRANT SELECT, INSERT, DELETE ON snapshot TO cutlog_ops")


def downgrade() -> None:
    op.execute("DROP TABLE project, version, export, pin, media, media_use, snapshot")
