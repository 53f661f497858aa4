"""An append keeps the results of requests and says what it stored; of versions it writes the rows, in one statement."""

from __future__ import annotations

from alembic import op

from services.ops.log.sql import statement as of_log
from services.ops.readmodel.sql import statement

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The functions are those of today's files, so a new database has had `append` since its first revision.
    op.execute("DROP FUNCTION IF EXISTS append(text[], int[], uuid[], text[], text[], text[])")
    op.execute(of_log("append").replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    op.execute(statement("commit_versions"))
    op.execute(statement("append_versions"))


def downgrade() -> None:
    raise RuntimeError("The function of an older release is not kept; restore a backup instead.")
