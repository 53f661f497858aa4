"""Migrations in a process of their own, as the supervisor has them run."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutlog.db.migrate import MigrationsMissing
from cutlog.operate.stack.migrating import MigrationFailed, migrator
from tests.support.database import Database

BROKEN = """
from alembic import op

revision, down_revision, branch_labels, depends_on = "0001", None, None, None


def upgrade():
    op.execute("CREATE TABLE half (n int)")
    op.execute("SELECT * FROM nothing_of_that_name")
"""


@pytest.mark.few(1, reason="one more database")
@pytest.mark.parametrize("early", [False, True])
async def test_a_database_at_its_newest_migration_is_left_alone(database: Database, early: bool) -> None:
    async with migrator(early=early) as migrate:
        assert await migrate(database.owner_url, {"gc": "services.gc.migrations"}) == []


@pytest.mark.slow(reason="starts processes of its own, seconds each")
async def test_a_migration_that_fails_says_why_and_leaves_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "broken_migrations" / "versions"
    folder.mkdir(parents=True)
    (folder / "0001_broken.py").write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="nothing_of_that_name"):
            async with migrator() as migrate:
                await migrate(database.owner_url, {"public": "broken_migrations"})


async def test_a_package_without_migrations_is_named(database: Database) -> None:
    with pytest.raises(MigrationsMissing, match=r"cutlog\.web"):
        async with migrator(early=True) as migrate:
            await migrate(database.owner_url, {"gc": "cutlog.web"})
