"""Proxies that were folded into their recipes, and the state of a file that is to go."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE proxy ADD COLUMN folded boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE move ADD COLUMN state text")
    op.execute("CREATE INDEX proxy_files ON proxy (project_id, version) WHERE NOT deleted")


def downgrade() -> None:
    op.execute("DROP INDEX proxy_files")
    op.execute("ALTER TABLE move DROP COLUMN state")
    op.execute("ALTER TABLE proxy DROP COLUMN folded")
