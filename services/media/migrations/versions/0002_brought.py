"""What runs brought from other stores."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE brought (
          tenant    text NOT NULL,
          source    text NOT NULL,
          legacy_id text NOT NULL,
          run       text NOT NULL,
          video_id  text NOT NULL,
          refs      int NOT NULL CHECK (refs > 0),
          PRIMARY KEY (tenant, source, legacy_id)
        )
    """)
    op.execute("CREATE INDEX brought_by ON brought (run)")
    op.execute("GRANT SELECT, INSERT, DELETE ON brought TO cutlog_media")


def downgrade() -> None:
    op.execute("DROP TABLE brought")
