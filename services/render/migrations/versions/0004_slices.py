"""How much work jobs and tenants have had, so that one who has had less goes first."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE job ADD COLUMN worked float8 NOT NULL DEFAULT 0, ADD COLUMN encoded int NOT NULL DEFAULT 0")
    op.execute("COMMENT ON COLUMN job.worked IS 'seconds that workers were at it, in attempts that ended'")
    op.execute("COMMENT ON COLUMN job.encoded IS 'frames that were encoded in attempts that gave way'")
    op.execute("""
        CREATE TABLE spent (
          kind    text NOT NULL,
          tenant  text NOT NULL,
          seconds float8 NOT NULL,
          at      timestamptz NOT NULL,
          PRIMARY KEY (kind, tenant)
        )
    """)
    op.execute("COMMENT ON TABLE spent IS 'seconds of work that a tenant had lately: at `at`, fading by e in a minute'")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON spent TO cutlog_render")


def downgrade() -> None:
    op.execute("DROP TABLE spent")
    op.execute("ALTER TABLE job DROP COLUMN worked, DROP COLUMN encoded")
