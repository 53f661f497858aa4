"""The key under which the relay seals what it publishes."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Two random UUIDs are 244 random bits, from the server's own cryptographic source.
    op.execute("""
        ALTER TABLE head ADD COLUMN seal bytea NOT NULL
          DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
    """)


def downgrade() -> None:
    op.execute("ALTER TABLE head DROP COLUMN seal")
