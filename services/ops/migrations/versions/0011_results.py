"""Under the key of a request that appended events stands what it led to, as data; the answer is made from that."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE answer
          ADD COLUMN result bytea,
          ADD COLUMN position bigint,
          ALTER COLUMN status DROP NOT NULL,
          ALTER COLUMN body DROP NOT NULL,
          ADD CONSTRAINT answer_or_result CHECK (
            (status IS NULL) = (body IS NULL) AND (result IS NULL) = (position IS NULL)
            AND (body IS NULL) <> (result IS NULL)
          )
    """)
    op.execute("COMMENT ON COLUMN answer.result IS 'what the events up to this position led to'")


def downgrade() -> None:
    op.execute("DELETE FROM answer WHERE body IS NULL")
    op.execute("""
        ALTER TABLE answer
          DROP CONSTRAINT answer_or_result,
          DROP COLUMN result,
          DROP COLUMN position,
          ALTER COLUMN status SET NOT NULL,
          ALTER COLUMN body SET NOT NULL
    """)
