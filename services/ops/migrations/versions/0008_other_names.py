"""What another store said of projects and exports, and what media were called there beside their ids here."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE project ADD COLUMN metadata jsonb")
    op.execute("ALTER TABLE export ADD COLUMN metadata jsonb")
    op.execute("""
        CREATE TABLE media_alias (
          tenant   text NOT NULL,
          alias    text NOT NULL,
          media    text NOT NULL,
          position bigint NOT NULL,
          PRIMARY KEY (tenant, alias, media)
        )
    """)
    op.execute("COMMENT ON TABLE media_alias IS 'the first that has a name counts, unless a media has it as its id'")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON media_alias TO cutlog_ops")


def downgrade() -> None:
    op.execute("DROP TABLE media_alias")
    op.execute("ALTER TABLE export DROP COLUMN metadata")
    op.execute("ALTER TABLE project DROP COLUMN metadata")
