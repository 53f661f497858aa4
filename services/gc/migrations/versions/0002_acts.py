"""What archives, restores and deletes: files on their way, acts and their audit, schedules, storage by the hour.

What is derived from events is derived again from the first one, since more is derived of each from here on.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("TRUNCATE project, export, pin, proxy")
    op.execute("UPDATE checkpoint SET position = 0")
    op.execute("ALTER TABLE project ADD COLUMN version int NOT NULL DEFAULT 0")
    op.execute("""
        ALTER TABLE export
          ADD COLUMN home        text,
          ADD COLUMN archive     text,
          ADD COLUMN archived_at timestamptz,
          ADD COLUMN frames      int NOT NULL DEFAULT 0,
          ADD COLUMN encoded     int NOT NULL DEFAULT 0
    """)
    op.execute("ALTER TABLE pin ADD COLUMN owner text, ADD COLUMN mode text NOT NULL DEFAULT 'normal'")
    op.execute("""
        ALTER TABLE proxy
          ADD COLUMN rendered_at timestamptz NOT NULL,
          ADD COLUMN deleted     boolean NOT NULL DEFAULT false,
          ADD COLUMN frames      int NOT NULL DEFAULT 0,
          ADD COLUMN encoded     int NOT NULL DEFAULT 0
    """)
    op.execute("""
        CREATE TABLE tagged (
          project_id text NOT NULL,
          version    int NOT NULL,
          message    text NOT NULL,
          PRIMARY KEY (project_id, version)
        )
    """)
    op.execute("""
        CREATE TABLE media (
          media_id     text PRIMARY KEY,
          tenant       text NOT NULL,
          name         text NOT NULL,
          sha256       text NOT NULL,
          size         bigint NOT NULL,
          derived      bigint NOT NULL,
          key          text NOT NULL,
          home         text NOT NULL,
          generation   int NOT NULL,
          ref_count    int NOT NULL,
          status       text NOT NULL,
          uploaded_at  timestamptz NOT NULL,
          touched_at   timestamptz NOT NULL,
          archived_at  timestamptz
        )
    """)
    op.execute("CREATE INDEX media_of_tenant ON media (tenant, media_id)")
    op.execute("""
        CREATE TABLE media_use (
          media_id   text NOT NULL,
          project_id text NOT NULL,
          PRIMARY KEY (media_id, project_id)
        )
    """)
    op.execute("CREATE INDEX media_use_of_project ON media_use (project_id)")
    op.execute("CREATE INDEX export_by_status ON export (status)")
    op.execute("""
        CREATE TABLE move (
          intent     text PRIMARY KEY,
          position   bigint NOT NULL,
          class      text NOT NULL,
          object_id  text NOT NULL,
          tenant     text NOT NULL,
          project_id text,
          action     text NOT NULL,
          source     text NOT NULL,
          target     text,
          folder     text,
          actor      text NOT NULL,
          at         timestamptz NOT NULL,
          done_at    timestamptz,
          freed      bigint NOT NULL DEFAULT 0,
          note       text
        )
    """)
    op.execute("COMMENT ON TABLE move IS 'files that an event sent on their way; rows stay, as what was done'")
    op.execute("CREATE INDEX move_pending ON move (position) WHERE done_at IS NULL")
    op.execute("CREATE INDEX move_of_object ON move (object_id, position)")
    op.execute("ALTER TABLE plan_candidate ADD COLUMN object_id text")
    op.execute("UPDATE plan_candidate SET object_id = candidate ->> 'exportId'")
    op.execute("ALTER TABLE plan_candidate ALTER COLUMN object_id SET NOT NULL")
    op.execute("CREATE INDEX plan_candidate_object ON plan_candidate (plan_id, object_id)")
    op.execute("CREATE INDEX plan_hash ON plan (tenant, plan_hash)")
    op.execute("ALTER TABLE plan ADD COLUMN erase text[]")
    op.execute("""
        ALTER TABLE run
          ALTER COLUMN plan_id DROP NOT NULL,
          ADD COLUMN idempotency_key text,
          ADD COLUMN fingerprint text,
          ADD CONSTRAINT run_idempotency_key UNIQUE (tenant, idempotency_key)
    """)
    op.execute("""
        CREATE TABLE run_item (
          run_id    text NOT NULL REFERENCES run DEFERRABLE INITIALLY DEFERRED,
          object_id text NOT NULL,
          outcome   text NOT NULL,
          reason    text,
          position  bigint,
          at        timestamptz NOT NULL DEFAULT clock_timestamp(),
          PRIMARY KEY (run_id, object_id)
        )
    """)
    op.execute("""
        CREATE TABLE run_end (
          run_id text PRIMARY KEY REFERENCES run DEFERRABLE INITIALLY DEFERRED,
          at     timestamptz NOT NULL DEFAULT clock_timestamp(),
          done   int NOT NULL,
          skipped int NOT NULL,
          freed  bigint NOT NULL
        )
    """)
    op.execute("""
        CREATE TABLE schedule (
          tenant      text PRIMARY KEY,
          due         timestamptz NOT NULL,
          plan_id     text,
          notified_at timestamptz,
          attempts    int NOT NULL DEFAULT 0,
          retry_at    timestamptz,
          error       text
        )
    """)
    op.execute("""
        CREATE TABLE storage (
          hour       timestamptz NOT NULL,
          tenant     text NOT NULL,
          project_id text NOT NULL,
          class      text NOT NULL,
          objects    bigint NOT NULL,
          bytes      bigint NOT NULL,
          shared     bigint NOT NULL,
          saved      bigint NOT NULL,
          PRIMARY KEY (tenant, hour, project_id, class)
        )
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON tagged, media, media_use TO cutlog_gc")
    op.execute("GRANT SELECT, INSERT, UPDATE ON schedule TO cutlog_gc")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON storage TO cutlog_gc")
    op.execute("GRANT SELECT, INSERT, UPDATE (done_at, freed, note) ON move TO cutlog_gc")
    op.execute("GRANT SELECT, INSERT ON run_item, run_end TO cutlog_gc")


def downgrade() -> None:
    raise RuntimeError("Audit and plans are never dropped; restore a backup instead.")
