"""Editors, uploaders and an admin at work while parts of the stack are killed and paused, their connections cut and
held, and the disk filled; then all that was acknowledged is there, once, and everything agrees.

`make chaos SECONDS=120 SEED=7` runs longer, with a seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from cutlog.blobs import LocalBlobs
from cutlog.client import Client, Refused, Unreachable, ops
from cutlog.operate.stack.processes import process
from tests.e2e.job import CANVAS
from tests.support.disks import full, small_disk
from tests.support.fsck import assert_sound
from tests.support.painting import Painter
from tests.support.stacks import RunningStack
from tests.support.waiting import PATIENCE, eventually
from tests.support.wired_stack import Ends
from tests.support.wires import Wire, wire

SECONDS = float(os.environ.get("CHAOS_SECONDS", "6"))
SEED = int(os.environ.get("CHAOS_SEED", "11"))
PARTS = ("ops", "media", "render", "gc", "nats", "postgres", "gateway")
WIRES = ("postgres", "nats", "gateway")
BLOWS = ("kill", "kill", "pause", "cut", "cut", "hold", "fill")
DISK = "600m"
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


@dataclass
class Ground:
    """A stack whose connections go through wires, those of its users too, and the disk that it stands on, if it is
    small enough to be filled."""

    stack: RunningStack
    wires: dict[str, Wire]
    disk: Path | None

    @property
    def url(self) -> str:
        """The gateway, for users."""
        return f"http://127.0.0.1:{self.wires['gateway'].port}"

    async def happens(self, how: str, part: str, seconds: float) -> bool:
        """One blow, and what follows from it; False where there is nothing to hit."""
        match how:
            case "cut":
                return self.wires[part].cut() > 0
            case "hold":
                await self.wires[part].hold(seconds)
            case "fill":
                if self.disk is None:
                    return False
                with full(self.disk):
                    await asyncio.sleep(seconds)
            case _:
                pid = self.stack.pids.get(part)
                if pid is None or process(pid) is None:
                    return False
                os.kill(pid, signal.SIGKILL if how == "kill" else signal.SIGSTOP)
                if how == "pause":
                    await asyncio.sleep(seconds)
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
        return True

    async def is_whole(self) -> bool:
        """Whether all services say that they are ready."""
        bases = [f"http://{address}" for address in self.stack.state.listen.values()]
        return all([(await asyncio.to_thread(self.stack.get, "/readyz", base=base))[0] == 200 for base in bases])


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path | None]:
    """A disk of its own for the stack, where one may be mounted."""
    with small_disk(tmp_path / "disk", DISK) as why_not:
        yield None if why_not else tmp_path / "disk"


@pytest.fixture
async def ground(tmp_path: Path, disk: Path | None) -> AsyncIterator[Ground]:
    """A real `cutlog up` that nobody else looks at."""
    ends = tmp_path / "ends.json"

    def where() -> Ends:
        return msgspec.json.decode(ends.read_bytes(), type=Ends)

    async with (
        wire(lambda: where().postgres) as postgres,
        wire(lambda: where().nats) as nats,
        wire(lambda: urlsplit(stack.url).port or 0) as gateway,
    ):
        arguments = ("-m", "tests.support.wired_stack", str(postgres.port), str(nats.port), str(ends))
        stack = RunningStack((disk or tmp_path) / "data", arguments, logs=tmp_path)
        await asyncio.to_thread(stack.start)
        try:
            yield Ground(stack, {"postgres": postgres, "nats": nats, "gateway": gateway}, disk)
        finally:
            await asyncio.to_thread(stack.stop)


async def torment(ground: Ground, dice: random.Random, seconds: float) -> list[str]:
    """Kills, pauses, cuts, holds and fills by the dice; what was done. Each of them at least once, if time allows."""
    done: list[str] = []
    until = asyncio.get_running_loop().time() + seconds
    left = dice.sample(BLOWS, len(BLOWS))
    while asyncio.get_running_loop().time() < until:
        how = left.pop() if left else dice.choice(BLOWS)
        part = "disk" if how == "fill" else dice.choice(WIRES if how in ("cut", "hold") else PARTS)
        if await ground.happens(how, part, dice.uniform(0.2, 1.0)):
            done.append(f"{how} {part}")
        await asyncio.sleep(dice.uniform(0.3, 1.2))
    return done


@pytest.mark.slow(reason="seconds of chance, of which `make chaos` runs more")
async def test_nothing_that_was_acknowledged_is_lost_or_doubled_whatever_dies(ground: Ground, painted: Painter) -> None:
    sys.stdout.write(f"seed {SEED}, {SECONDS:g} s\n")
    dice = random.Random(SEED)
    stack = ground.stack
    assert ground.wires["postgres"].connections >= 4 <= ground.wires["nats"].connections, "each service is on both"
    async with Client.connect(ground.url, stack.token("admin"), patience=60) as client:
        users = Users(client, painted, dice)
        working = asyncio.create_task(users.work())
        done = await torment(ground, dice, SECONDS)
        users.stop.set()
        await asyncio.wait_for(working, PATIENCE)
        sys.stdout.write(", ".join(done) + "\n")
        assert len(done) >= 3
        told = users.told
        await eventually(ground.is_whole)
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
    await assert_sound(stack.data)
    await LocalBlobs(stack.data / "objects", "").sweep()  # as media does every minute
    temporary = [path for path in (stack.data / "objects" / "temp").rglob("*") if path.is_file()]
    assert temporary == [], "nothing unfinished is held by anybody"
    pids = set(stack.pids.values())
    await asyncio.to_thread(stack.stop)
    assert not [pid for pid in pids if process(pid) is not None], "no process outlives its stack"
