"""What history needs: where forks come from, the canvas that a revert brings back, and answers that are forgotten."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE project ADD COLUMN origin_project text, ADD COLUMN origin_version int")
    op.execute("ALTER TABLE version ADD COLUMN canvas jsonb")
    op.execute("COMMENT ON COLUMN version.canvas IS 'as this version left it, if it may have changed it'")
    op.execute("""
        UPDATE version SET canvas = event.data->'canvas'
        FROM event WHERE event.position = version.position AND event.type = 'ProjectCreated'
    """)
    op.execute("""
        DO $$ DECLARE configured record; BEGIN
          FOR configured IN
            SELECT v.project, v.version, c.value - 'op' - 'name' AS changes
            FROM event e
            CROSS JOIN LATERAL jsonb_array_elements(e.data->'ops') AS c (value)
            JOIN version v ON v.position = e.position
            WHERE e.type = 'VersionCommitted' AND c.value->>'op' = 'project.configure' ORDER BY e.position
          LOOP
            UPDATE version SET canvas = (
              SELECT before.canvas FROM version before
              WHERE before.project = configured.project AND before.version <= configured.version
                AND before.canvas IS NOT NULL
              ORDER BY before.version DESC LIMIT 1
            ) || configured.changes
            WHERE project = configured.project AND version = configured.version;
          END LOOP;
        END $$
    """)
    op.execute("CREATE INDEX answer_age ON answer USING brin (at)")
    op.execute("GRANT DELETE ON answer TO cutlog_ops")


def downgrade() -> None:
    op.execute("REVOKE DELETE ON answer FROM cutlog_ops")
    op.execute("DROP INDEX answer_age")
    op.execute("ALTER TABLE version DROP COLUMN canvas")
    op.execute("ALTER TABLE project DROP COLUMN origin_project, DROP COLUMN origin_version")
