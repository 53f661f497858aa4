"""Which versions take others back, and which are undone together."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE version ADD COLUMN undoes int[], ADD COLUMN gesture text")
    op.execute("COMMENT ON COLUMN version.undoes IS 'versions that it takes back; null, if it is no undo'")
    op.execute("COMMENT ON COLUMN version.gesture IS 'versions of a gesture are undone together'")
    op.execute("CREATE INDEX version_undoes ON version (project, version) WHERE undoes IS NOT NULL")
    op.execute("CREATE INDEX version_gesture ON version (project, gesture) WHERE gesture IS NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE version DROP COLUMN gesture, DROP COLUMN undoes")
