"""API keys, revocations and the audit log."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE api_key (
            id text PRIMARY KEY,
            tenant text NOT NULL,
            name text NOT NULL,
            role text NOT NULL,
            projects text[],
            hash bytea NOT NULL UNIQUE,
            created_by text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            expires_at timestamptz,
            last_used_at timestamptz,
            deleted_at timestamptz
        )
        """
    )
    op.execute("CREATE INDEX api_key_listed ON api_key (tenant, created_at DESC, id DESC) WHERE deleted_at IS NULL")
    # Revocations are numbered in the order in which they are committed: the row is locked until then.
    op.execute("CREATE TABLE revocation_head (position bigint NOT NULL)")
    op.execute("INSERT INTO revocation_head VALUES (0)")
    op.execute(
        """
        CREATE TABLE revocation (
            position bigint PRIMARY KEY,
            id text,
            tenant text,
            subject text,
            before timestamptz,
            until timestamptz NOT NULL,
            CHECK (id IS NOT NULL OR (tenant IS NOT NULL AND subject IS NOT NULL AND before IS NOT NULL))
        )
        """
    )
    op.execute(
        """
        CREATE TABLE audit (
            position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            key text UNIQUE,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            tenant text NOT NULL,
            subject text NOT NULL,
            credential text NOT NULL,
            address text NOT NULL,
            action text NOT NULL,
            target text NOT NULL,
            detail jsonb NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX audit_listed ON audit (tenant, position DESC)")
    op.execute("CREATE INDEX audit_of_subject ON audit (tenant, subject, position DESC)")
    op.execute("CREATE INDEX audit_age ON audit (at)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON api_key TO cutlog_ops")
    op.execute("GRANT SELECT, UPDATE ON revocation_head TO cutlog_ops")
    op.execute("GRANT SELECT, INSERT, DELETE ON revocation, audit TO cutlog_ops")


def downgrade() -> None:
    for table in ("audit", "revocation", "revocation_head", "api_key"):
        op.execute(f"DROP TABLE {table}")
