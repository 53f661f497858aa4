"""What other stores said of the videos that came from there, and their ids there beside their ids here."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE brought ADD COLUMN alias text")
    op.execute("ALTER TABLE brought ADD COLUMN name text")
    op.execute("ALTER TABLE brought ADD COLUMN made_at timestamptz")
    op.execute("ALTER TABLE brought ADD COLUMN metadata jsonb")
    op.execute("ALTER TABLE brought ADD COLUMN brought_at timestamptz NOT NULL DEFAULT clock_timestamp()")
    op.execute("CREATE INDEX brought_alias ON brought (tenant, alias, brought_at) WHERE alias IS NOT NULL")
    op.execute("CREATE INDEX brought_video ON brought (video_id)")


def downgrade() -> None:
    op.execute("DROP INDEX brought_video")
    op.execute("DROP INDEX brought_alias")
    for column in ("brought_at", "metadata", "made_at", "name", "alias"):
        op.execute(f"ALTER TABLE brought DROP COLUMN {column}")
