"""Sessions of browsers, and codes that begin one."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE session (
            id text PRIMARY KEY,
            hash bytea NOT NULL UNIQUE,
            tenant text NOT NULL,
            subject text NOT NULL,
            role text NOT NULL,
            origin text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            used_at timestamptz NOT NULL DEFAULT clock_timestamp()
        )
        """
    )
    op.execute("COMMENT ON COLUMN session.origin IS 'the id of the token that made it, with which it is revoked'")
    op.execute("CREATE INDEX session_of_origin ON session (origin) WHERE origin <> ''")
    op.execute(
        """
        CREATE TABLE login_code (
            hash bytea PRIMARY KEY,
            tenant text NOT NULL,
            subject text NOT NULL,
            role text NOT NULL,
            expires_at timestamptz NOT NULL
        )
        """
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON session, login_code TO cutlog_ops")


def downgrade() -> None:
    op.execute("DROP TABLE login_code")
    op.execute("DROP TABLE session")
