"""Drafts: ops on a version that are shown before they are made one."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE draft (
            id text PRIMARY KEY,
            project text NOT NULL REFERENCES project ON DELETE CASCADE,
            author text NOT NULL,
            version integer NOT NULL,
            revision integer NOT NULL DEFAULT 1,
            ops jsonb NOT NULL,
            duration integer NOT NULL,
            media text[] NOT NULL,
            kept_for interval NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            expires_at timestamptz NOT NULL,
            answer jsonb
        )
        """
    )
    op.execute("COMMENT ON TABLE draft IS 'ops on a version that are no version yet: never in the log'")
    op.execute("COMMENT ON COLUMN draft.kept_for IS 'after its last use'")
    op.execute("COMMENT ON COLUMN draft.answer IS 'what it led to; null until it is committed'")
    op.execute("CREATE INDEX draft_project ON draft (project, created_at)")
    op.execute("CREATE INDEX draft_expires ON draft (expires_at)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON draft TO cutlog_ops")


def downgrade() -> None:
    op.execute("DROP TABLE draft")
