"""How much work videos and tenants have had, so that one who has had less goes first."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE video ADD COLUMN worked float8 NOT NULL DEFAULT 0")
    op.execute("CREATE TABLE spent (tenant text PRIMARY KEY, seconds float8 NOT NULL, at timestamptz NOT NULL)")
    op.execute("COMMENT ON TABLE spent IS 'seconds of work that a tenant had lately: at `at`, fading by e in a minute'")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON spent TO cutlog_media")


def downgrade() -> None:
    op.execute("DROP TABLE spent")
    op.execute("ALTER TABLE video DROP COLUMN worked")
