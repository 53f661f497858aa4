"""`cutlog fsck` on a stack of its own: nothing while it is busy, each damage by its name, and what can be mended."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cutlog.client import Client, ops
from cutlog.operate.fsck.report import Report
from cutlog.operate.fsck.run import fsck
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.postgres import Postgres
from tests.e2e.job import Done, main_job
from tests.support.fsck import assert_sound
from tests.support.stacks import RunningStack
from tests.support.waiting import PATIENCE, eventually

RELABEL = """
    UPDATE ops.event SET data = jsonb_set(data, '{ops,0,label}', '"there"') WHERE stream LIKE $1 AND version = 9
"""


def cli(stack: RunningStack, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    command = [sys.executable, "-m", "cutlog", "fsck", "--data", str(stack.data), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


def named(report: Report) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for finding in report.findings:
        found.setdefault(finding.check, set()).add(finding.name)
    return found


async def many_versions(client: Client) -> str:
    """A project with a snapshot."""
    project = await client.create_project("Long")
    await client.commit(project.id, [ops.TrackAdd(track="v", kind="video")])
    for number in range(100):
        await client.commit(project.id, [ops.MarkerAdd(marker=f"m{number}", at=number, label="here")])
    return project.id


@pytest.mark.slow(reason="a stack of its own is damaged in each way")
async def test_a_busy_stack_is_sound_and_each_damage_is_found_named_and_mended(alone: RunningStack, clip: Path) -> None:
    objects = alone.data / "objects"
    async with Client.connect(alone.url, alone.token("admin")) as client:
        jobs = [asyncio.create_task(main_job(client, clip)) for _ in range(2)]
        while not all(job.done() for job in jobs):
            await assert_sound(alone.data)
        done: Done = jobs[0].result()
        long = await many_versions(client)
        keys = {rendition: await _rendition(alone, rendition) for rendition in ("thumbnail", "proxy")}
    assert cli(alone)[0] == 0

    export, proxy = done.export.key, done.versions[0].proxy.key
    assert export is not None and proxy is not None
    # The oldest is of a proxy. Of an export that is broken too, it would have to come back byte for byte, which a
    # segment does only beside the neighbours that it was encoded with.
    segment = min((objects / "segments").rglob("*.mp4"), key=lambda path: path.stat().st_mtime_ns)
    original = next((objects / "videos").rglob("*.mp4"))
    stray = objects / "videos" / "default" / f"{'ab' * 32}.0.mp4"
    whole = original.read_bytes()
    for path in (objects / export, objects / keys["thumbnail"], segment, original):
        flip(path)
    for path in (objects / proxy, objects / keys["proxy"]):
        path.unlink()
    stray.write_bytes(b"left by nobody")
    owner = await asyncpg.connect(_owner(alone))
    try:
        await owner.execute("DELETE FROM ops.version WHERE project = $1 AND version = 2", done.project_id)
        await owner.execute("UPDATE gc.project SET name = 'Another' WHERE project_id = $1", done.project_id)
        await owner.execute("DELETE FROM gc.export WHERE project_id = $1", done.project_id)
        await owner.execute("DELETE FROM media.use")
        await owner.execute("UPDATE render.media SET status = 'failed'")
        await owner.execute("UPDATE media.video SET ref_count = ref_count + 1")
        relabelled = await owner.execute(RELABEL, f"%{long}")
        assert relabelled == "UPDATE 1"
    finally:
        await owner.close()

    found = await fsck(alone.data, again=(0.5,))
    broken = named(found)
    assert broken["object"] == {
        export, proxy, *keys.values(), original.relative_to(objects).as_posix(),
    }  # fmt: skip
    assert broken["stray"] == {stray.relative_to(objects).as_posix()}
    assert broken["cache"] == {segment.relative_to(objects).as_posix()}
    assert broken["projection"] == {"ops.version", "gc.project", "gc.export", "media.use", "render.media"}
    assert broken["count"] == {done.video.id}
    assert broken["stream"] == {"EVENTS"}
    assert broken["snapshot"] == {f"{long} v100"}
    assert all(finding.repaired is None for finding in found.findings)

    code, lines = cli(alone, "--repair")
    assert code == 1, "what was mended was found"
    left = {line["name"] for line in lines if line["item"] == "finding" and "repaired" not in line}
    only_told = {original.relative_to(objects).as_posix(), stray.relative_to(objects).as_posix(), done.video.id}
    assert left == only_told, "content, strays and counts are told, never mended"

    async def repaired() -> bool:
        assert {finding.name for finding in (await fsck(alone.data, again=(0.2,))).findings} == only_told
        return True

    await eventually(repaired)
    original.write_bytes(whole)
    stray.unlink()
    owner = await asyncpg.connect(_owner(alone))
    await owner.execute("UPDATE media.video SET ref_count = ref_count - 1")
    await owner.close()
    await assert_sound(alone.data)


def _owner(stack: RunningStack) -> str:
    layout = Layout(stack.data)
    return Postgres.at(layout.postgres, stack.state.postgres_port, stack.secrets.database("owner")).url()


async def _rendition(stack: RunningStack, name: str) -> str:
    owner = await asyncpg.connect(_owner(stack))
    try:
        return str(await owner.fetchval(f"SELECT renditions -> '{name}' ->> 'key' FROM media.video"))
    finally:
        await owner.close()


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_where_there_is_no_stack_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cutlog", "fsck", "--data", str(tmp_path / "nowhere")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "no stack" in done.stderr and not (tmp_path / "nowhere").exists()
