"""What events say of exports, pins and proxies; policies, frozen plans and the audit of runs.

The service may rewrite what is derived. What it said itself (policies, plans, runs) it may only add to: the database
refuses to change a plan that somebody may be about to confirm.
"""

from __future__ import annotations

from alembic import op

from cutlog.bus.tables import create_checkpoint, create_outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE project (
          project_id text PRIMARY KEY,
          tenant     text NOT NULL,
          name       text NOT NULL,
          deleted_at timestamptz
        )
    """)
    op.execute("CREATE INDEX project_of_tenant ON project (tenant, project_id)")
    op.execute("""
        CREATE TABLE export (
          export_id   text PRIMARY KEY,
          project_id  text NOT NULL,
          version     int NOT NULL,
          profile     text NOT NULL,
          status      text NOT NULL,
          key         text,
          size        bigint NOT NULL,
          sha256      text,
          finished_at timestamptz
        )
    """)
    op.execute("CREATE INDEX export_of_project ON export (project_id)")
    op.execute("""
        CREATE TABLE pin (
          project_id text NOT NULL,
          version    int NOT NULL,
          profile    text,
          pinned     boolean NOT NULL,
          reason     text,
          expires_at timestamptz,
          CONSTRAINT pin_place UNIQUE NULLS NOT DISTINCT (project_id, version, profile)
        )
    """)
    op.execute("""
        CREATE TABLE proxy (
          project_id text NOT NULL,
          version    int NOT NULL,
          key        text NOT NULL,
          size       bigint NOT NULL,
          PRIMARY KEY (project_id, version)
        )
    """)
    op.execute("""
        CREATE TABLE policy (
          tenant  text NOT NULL,
          version int NOT NULL,
          policy  jsonb NOT NULL,
          actor   text NOT NULL,
          at      timestamptz NOT NULL,
          PRIMARY KEY (tenant, version)
        )
    """)
    op.execute("""
        CREATE TABLE plan (
          plan_id         text PRIMARY KEY,
          tenant          text NOT NULL,
          plan_hash       text NOT NULL,
          position        bigint NOT NULL,
          policy          jsonb NOT NULL,
          at              timestamptz NOT NULL,
          simulated       boolean NOT NULL,
          candidates      int NOT NULL,
          kept            int NOT NULL,
          bytes           bigint NOT NULL,
          idempotency_key text,
          fingerprint     text NOT NULL,
          CONSTRAINT plan_idempotency_key UNIQUE (tenant, idempotency_key)
        )
    """)
    op.execute("CREATE INDEX plan_of_tenant ON plan (tenant, plan_id)")
    op.execute("""
        CREATE TABLE plan_candidate (
          plan_id   text NOT NULL REFERENCES plan DEFERRABLE INITIALLY DEFERRED,
          number    int NOT NULL,
          candidate jsonb NOT NULL,
          PRIMARY KEY (plan_id, number)
        )
    """)
    op.execute("""
        CREATE TABLE run (
          run_id  text PRIMARY KEY,
          tenant  text NOT NULL,
          action  text NOT NULL,
          actor   text NOT NULL,
          at      timestamptz NOT NULL,
          plan_id text NOT NULL REFERENCES plan DEFERRABLE INITIALLY DEFERRED,
          objects int NOT NULL,
          bytes   bigint NOT NULL
        )
    """)
    op.execute("CREATE INDEX run_of_tenant ON run (tenant, run_id)")
    create_checkpoint(op, "cutlog_gc")
    create_outbox(op, "cutlog_gc")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON project, export, pin, proxy TO cutlog_gc")
    op.execute("GRANT SELECT, INSERT ON policy, plan, plan_candidate, run TO cutlog_gc")


def downgrade() -> None:
    raise RuntimeError("Audit and plans are never dropped; restore a backup instead.")
