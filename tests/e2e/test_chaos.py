"""Editors, uploaders and an admin at work while parts of the stack are killed and paused; then all that was
acknowledged is there, once, and everything agrees. `make chaos SECONDS=120 SEED=7` runs longer, with a seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from cutlog.blobs import LocalBlobs
from cutlog.client import Client, Refused, Unreachable, ops
from cutlog.stack.processes import process
from tests.e2e.job import CANVAS
from tests.support.fsck import assert_sound
from tests.support.painting import Painter
from tests.support.stacks import RunningStack
from tests.support.waiting import eventually

SECONDS = float(os.environ.get("CHAOS_SECONDS", "6"))
SEED = int(os.environ.get("CHAOS_SEED", "11"))
PARTS = ("ops", "media", "render", "gc", "nats", "postgres", "gateway")
EAGER = {"ttlDays": 0, "keepLatest": 1, "archiveGraceDays": 0}


@dataclass
class Told:
    """What was acknowledged: markers by project, uploads by content, exports by id, pins."""

    markers: dict[str, list[str]] = field(default_factory=dict)
    uploads: dict[str, int] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)
    pins: set[tuple[str, int]] = field(default_factory=set)


class Users:
    """They go on until told to stop. What is not acknowledged in time is asked for again under its key."""

    def __init__(self, client: Client, painted: Painter, dice: random.Random) -> None:
        self.client, self.painted, self.dice = client, painted, dice
        self.told = Told()
        self.stop = asyncio.Event()

    async def work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(3):
                tasks.create_task(self._edits(f"film-{number}"))
            tasks.create_task(self._uploads())
            tasks.create_task(self._collects())

    async def surely(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Asks until somebody answers. A refusal is an answer."""
        while True:
            try:
                await ask()
            except (Unreachable, Refused) as error:
                if isinstance(error, Refused) and error.status < 500:
                    raise
                await asyncio.sleep(0.2)
            else:
                return

    async def _edits(self, name: str) -> None:
        project = await self.client.create_project(name, CANVAS)
        markers = self.told.markers[project.id] = []
        first: list[ops.Op] = [
            ops.TrackAdd(track="v", kind="video"),
            ops.ClipAdd(clip="a", track="v", at=0, color="#336699", frames=40),
        ]
        await self.surely(lambda: self.client.commit(project.id, first, key=f"{name} first"))
        number = 0
        while not self.stop.is_set():
            marker = f"m{number}"
            op = ops.MarkerAdd(marker=marker, at=number, label=marker)
            await self.surely(lambda op=op, marker=marker: self.client.commit(project.id, [op], key=f"{name} {marker}"))  # type: ignore[misc]
            markers.append(marker)
            number += 1
            if number % 12 == 3:
                version = number + 1

                async def export(version: int = version) -> None:
                    asked = await self.client.request_export(project.id, version, "mp4-360p")
                    self.told.exports[asked.id] = project.id

                await self.surely(export)
                if self.dice.random() < 0.5:
                    await self.surely(lambda version=version: self.client.pin(project.id, version, "kept"))  # type: ignore[misc]
                    self.told.pins.add((project.id, version))

    async def _uploads(self) -> None:
        count = 0
        while not self.stop.is_set():
            clip = self.painted(25, 20 + count % 3, (160, 90), tag=1)
            key = f"upload {count}"

            async def upload(clip: Path = clip, key: str = key) -> None:
                video = await self.client.upload(clip, key=key)
                self.told.uploads[video.id] = self.told.uploads.get(video.id, 0) + 1

            await self.surely(upload)
            count += 1
            await asyncio.sleep(0.05)

    async def _collects(self) -> None:
        while not self.stop.is_set():
            with contextlib.suppress(Unreachable, Refused):  # it says so when it can't know
                await self.client.calculate_gc(EAGER)
            await asyncio.sleep(0.3)


async def torment(stack: RunningStack, dice: random.Random, seconds: float) -> list[str]:
    """Kills and pauses parts by the dice; what was done."""
    done: list[str] = []
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        part = dice.choice(PARTS)
        pid = stack.pids.get(part)
        how = dice.choice(["kill", "kill", "pause"])
        if pid is not None and process(pid) is not None:
            done.append(f"{how} {part}")
            if how == "kill":
                os.kill(pid, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(dice.uniform(0.2, 1.0))
                if process(pid) is not None:
                    os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(dice.uniform(0.3, 1.2))
    return done


async def test_nothing_that_was_acknowledged_is_lost_or_doubled_whatever_dies(
    alone: RunningStack, painted: Painter
) -> None:
    sys.stdout.write(f"seed {SEED}, {SECONDS:g} s\n")
    dice = random.Random(SEED)
    async with Client.connect(alone.url, alone.token("admin"), patience=60) as client:
        users = Users(client, painted, dice)
        working = asyncio.create_task(users.work())
        done = await torment(alone, dice, SECONDS)
        users.stop.set()
        await asyncio.wait_for(working, 120)
        sys.stdout.write(", ".join(done) + "\n")
        assert len(done) >= 3
        told = users.told

        async def whole() -> bool:
            return all(
                [await asyncio.to_thread(lambda base=base: alone.get("/readyz", base=f"http://{base}")[0]) == 200  # type: ignore[misc]
                 for base in alone.state.listen.values()]
            )  # fmt: skip

        await eventually(whole, timeout=60)
        for project, markers in told.markers.items():
            edits = [edit async for edit in client.edits(project)]
            assert [edit.version for edit in edits] == list(range(1, len(edits) + 1)), "versions have no gaps"
            made = [op["marker"] for edit in edits for op in edit.ops if op["op"] == "marker.add"]
            assert made == markers, "each acknowledged edit is there, once"
            newest = await client.wait_for_proxy(project, len(edits))
            assert newest.status == "ready"
        for export_id, project in told.exports.items():
            found = await client.finished_export(project, export_id)
            assert found.status == "ready", found
        for project, version in told.pins:
            pinned = [each.pinned async for each in client.exports(project) if each.version == version]
            assert pinned == [True]
        for video_id, count in told.uploads.items():
            video = await client.ready_video(video_id)
            assert (video.status, video.ref_count) == ("ready", count)
    await assert_sound(alone.data)
    await LocalBlobs(alone.data / "objects", "").sweep()  # as media does every minute
    temporary = [path for path in (alone.data / "objects" / "temp").rglob("*") if path.is_file()]
    assert temporary == [], "nothing unfinished is held by anybody"
    pids = set(alone.pids.values())
    alone.stop()
    assert not [pid for pid in pids if process(pid) is not None], "no process outlives its stack"
