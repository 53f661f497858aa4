"""What an operator does with a stack at rest: copies it, takes it back to an earlier moment, changes its secrets."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import asyncpg
import pytest

from cutlog.client import Client, ops
from cutlog.operate.stack.postgres import Postgres, binaries
from tests.e2e.job import CANVAS
from tests.support.fsck import assert_sound
from tests.support.stacks import RunningStack
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.slow(reason="stacks are started again and again on kept data")


async def started(stack: RunningStack) -> str:
    """A project with a first version."""
    async with Client.connect(stack.url, stack.token("editor"), patience=60) as client:
        project = (await client.create_project("Kept", CANVAS)).id
    await edited(stack, project, 1)
    return project


async def edited(stack: RunningStack, project: str, version: int) -> None:
    """Commits that version, and waits for its proxy."""
    clip = ops.ClipAdd(clip=f"c{version}", track="v", at=30 * version, color="#336699", frames=30)
    batch: list[ops.Op] = [ops.TrackAdd(track="v", kind="video"), clip] if version == 1 else [clip]
    async with Client.connect(stack.url, stack.token("editor"), patience=60) as client:
        assert (await client.commit(project, batch)).version == version
        assert (await client.wait_for_proxy(project, version)).status == "ready"


async def current(stack: RunningStack, project: str) -> int:
    async with Client.connect(stack.url, stack.token("viewer"), patience=60) as client:
        return (await client.project(project)).current_version


async def test_a_copy_of_the_folder_is_the_stack(alone: RunningStack, tmp_path: Path) -> None:
    project = await started(alone)
    alone.stop()
    second = RunningStack(tmp_path / "second")
    shutil.copytree(alone.data, second.data, symlinks=True)
    second.start()
    try:
        assert await current(second, project) == 1
        await edited(second, project, 2)
        await assert_sound(second.data)
    finally:
        second.stop()


async def test_a_database_of_an_earlier_moment_stops_the_stack_until_somebody_decides(
    alone: RunningStack, tmp_path: Path
) -> None:
    project = await started(alone)
    alone.stop()
    shutil.copytree(alone.data / "postgres", tmp_path / "backup", symlinks=True)
    alone.start()
    await edited(alone, project, 2)
    alone.stop()
    shutil.rmtree(alone.data / "postgres")
    shutil.copytree(tmp_path / "backup", alone.data / "postgres", symlinks=True)
    with pytest.raises(RuntimeError, match="EVENTS is at") as refused:
        alone.start()
    assert "Either restore the newer database; or accept the loss" in str(refused.value)
    assert "Traceback" not in str(refused.value)
    shutil.rmtree(alone.data / "nats")
    alone.start()
    assert await current(alone, project) == 1
    await edited(alone, project, 2)
    await assert_sound(alone.data)


async def test_a_running_stack_is_taken_back_to_a_moment_between_two_edits(alone: RunningStack, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    project = await started(alone)
    where = {
        "PGHOST": "127.0.0.1", "PGPORT": str(alone.state.postgres_port), "PGUSER": "postgres",
        "PGPASSWORD": alone.secrets.database("owner"),
    }  # fmt: skip
    base, wal = tmp_path / "base", tmp_path / "wal"
    wal.mkdir()
    backup = [str(binaries() / "pg_basebackup"), f"--pgdata={base}", "--checkpoint=fast"]
    await asyncio.to_thread(subprocess.run, backup, env=os.environ | where, check=True, capture_output=True)
    verify = [str(binaries() / "pg_verifybackup"), str(base)]
    await asyncio.to_thread(subprocess.run, verify, check=True, capture_output=True)
    receive = [str(binaries() / "pg_receivewal"), f"--directory={wal}", "--synchronous", "--no-loop"]
    receiving = await asyncio.create_subprocess_exec(*receive, env=os.environ | where)
    await edited(alone, project, 2)
    owner = await asyncpg.connect(Postgres.at(alone.data, alone.state.postgres_port, where["PGPASSWORD"]).url())
    moment = await owner.fetchval("SELECT clock_timestamp()::text")
    await owner.close()
    await edited(alone, project, 3)
    alone.stop()
    await receiving.wait()  # ends with its server
    shutil.rmtree(alone.data / "nats")
    shutil.rmtree(alone.data / "postgres" / "data")
    shutil.copytree(base, alone.data / "postgres" / "data")
    for path in [wal, *wal.iterdir()]:
        path.chmod(0o755)
    (alone.data / "postgres" / "data").chmod(0o700)
    settings = {
        "restore_command": f'cp "{wal}/%f" "%p" || cp "{wal}/%f.partial" "%p"',
        "recovery_target_time": moment, "recovery_target_action": "promote",
    }  # fmt: skip
    with (alone.data / "postgres" / "data" / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    (alone.data / "postgres" / "data" / "recovery.signal").touch()
    alone.start()
    assert await current(alone, project) == 2
    await edited(alone, project, 3)
    await assert_sound(alone.data)


async def test_every_secret_but_the_owners_can_be_changed(alone: RunningStack) -> None:
    project = await started(alone)
    old = alone.token("viewer")
    alone.stop()
    removed = [path for path in (alone.data / "secrets").iterdir() if path.name != "postgres.owner"]
    before = {path.name: path.read_text() for path in removed}
    for path in removed:
        path.unlink()
    alone.start()
    request = urllib.request.Request(f"{alone.url}/api/projects", headers={"Authorization": f"Bearer {old}"})
    with pytest.raises(urllib.error.HTTPError, match="401"):
        await asyncio.to_thread(urllib.request.urlopen, request, timeout=PATIENCE)
    assert await current(alone, project) == 1
    await edited(alone, project, 2)
    await assert_sound(alone.data)
    assert all((alone.data / "secrets" / name).read_text() != secret for name, secret in before.items())
