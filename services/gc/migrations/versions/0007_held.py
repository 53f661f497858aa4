"""The most that tenants held in each hour, by budget and project."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE held (
          tenant     text NOT NULL,
          hour       timestamptz NOT NULL,
          budget     text NOT NULL,
          project_id text NOT NULL,
          amount     bigint NOT NULL,
          reported   boolean NOT NULL DEFAULT false,
          PRIMARY KEY (tenant, hour, budget, project_id)
        )
    """)
    op.execute("COMMENT ON COLUMN held.project_id IS 'empty: of all projects together'")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON held TO cutlog_gc")


def downgrade() -> None:
    op.execute("DROP TABLE held")
