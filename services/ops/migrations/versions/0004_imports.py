"""Where projects came from that another store had, and taking them back."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE project ADD COLUMN imported jsonb")
    op.execute(
        "COMMENT ON COLUMN project.imported IS 'source, legacyId; keptFrom and why, where ops are kept verbatim'"
    )
    # A fold begins after the last of these, so looking for it must not read the stream.
    op.execute("CREATE INDEX event_undone ON event (stream, version) WHERE type = 'ProjectImportUndone'")


def downgrade() -> None:
    op.execute("DROP INDEX event_undone")
    op.execute("ALTER TABLE project DROP COLUMN imported")
