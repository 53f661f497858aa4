"""R1 to R6: from an edit to its film, against single-pass ffmpeg, melt and MoviePy.

BENCH_MINUTES=1,10 are the lengths for R1 to R3, BENCH_EXPORT_SECONDS=60 that for R4 and R5, BENCH_SOURCE a film of
your own at 24 frames per second.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from bench import films
from bench.films import FPS, Json
from bench.shape import Bench, Plot, Row, Target, skipped
from cutlog.auth.roles import Role
from cutlog.auth.tokens import mint
from cutlog.bus import Bus
from cutlog.client import Client
from cutlog.operate.cli.own_stack import own_stack
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.secrets import Secrets
from cutlog.operate.stack.state import read_state

MINUTES: Final = tuple(int(word) for word in os.environ.get("BENCH_MINUTES", "1,10").split(","))
EXPORT_SECONDS: Final = int(os.environ.get("BENCH_EXPORT_SECONDS", "60"))
REPEATS: Final = 3
PHASES: Final = ("plan", "look", "encode", "sound", "stitch", "store")


Tell = Callable[[Row], None]


def run(_: float) -> Iterator[Row]:
    """Rows as they are known."""
    return told(_measure)


def told(measure: Callable[[Path, Tell], Coroutine[Any, Any, None]]) -> Iterator[Row]:
    """The rows that `measure`, which is given a folder, tells of, as it does."""
    found: queue.SimpleQueue[Row | BaseException | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            with tempfile.TemporaryDirectory() as folder:
                Path(folder).chmod(0o755)
                asyncio.run(measure(Path(folder), found.put))
        except BaseException as error:
            found.put(error)
        else:
            found.put(None)

    threading.Thread(target=run, daemon=True).start()
    while (row := found.get()) is not None:
        if isinstance(row, BaseException):
            raise row
        yield row


class Studio:
    """A stack with the source uploaded, and a subscription that hears when films are done."""

    def __init__(self, client: Client, data: Path, film: Path, video: str, frames: int) -> None:
        self.client, self.data, self.film, self.video, self.frames = client, data, film, video, frames
        self._done: dict[tuple[str, str, int], asyncio.Future[Json]] = {}

    def hear(self, project: str, kind: str, data: Json) -> None:
        """An event of a project."""
        future = self._done.get((project, kind, data["version"]))
        if future is not None and not future.done():
            future.set_result(data)

    async def until(self, project: str, kind: str, version: int) -> Json:
        """The event of that kind about that version."""
        future = self._done.setdefault((project, kind, version), asyncio.get_running_loop().create_future())
        return await asyncio.wait_for(future, 1_200)

    async def edit(self, project: str, version: int, ops: list[Json]) -> tuple[float, Json]:
        """Seconds from POST to the event ProxyRendered, and the event."""
        done = asyncio.create_task(self.until(project, "ProxyRendered", version))
        await asyncio.sleep(0)
        began = time.perf_counter()
        await self.client.commit(project, ops)
        event = await done
        return time.perf_counter() - began, event

    async def export(self, project: str, version: int) -> tuple[float, Json]:
        """Seconds from POST to the event ExportRendered, and the event."""
        done = asyncio.create_task(self.until(project, "ExportRendered", version))
        await asyncio.sleep(0)
        began = time.perf_counter()
        await self.client.request_export(project, version)
        event = await done
        return time.perf_counter() - began, event

    def phases(self, key: str) -> Row:
        """Milliseconds of each phase, as render's log tells for the film of a key."""
        for line in reversed((self.data / "logs" / "render.log").read_text().splitlines()):
            if '"render.finished"' in line and (said := json.loads(line)).get("key") == key:
                return {f"{phase}_ms": round(1000 * said.get(phase, 0.0)) for phase in PHASES}
        return {}


@asynccontextmanager
async def studio(folder: Path) -> AsyncIterator[Studio]:
    """Starts the stack, uploads the source and waits until it is ready."""
    data = folder / "data"
    async with own_stack(data) as url:
        secrets = Secrets(Layout(data).secrets)
        async with (
            Client.connect(url, mint(secrets.signing, "bench", Role.admin, ttl=86_400)) as client,
            await Bus.connect(read_state(data).nats_url, secrets.nats("operator").seed, name="operator") as bus,
        ):
            film = films.source(folder)
            uploaded = await client.upload(film)
            ready = await client.ready_video(uploaded.id)
            assert ready.facts is not None
            assert ready.facts.frames is not None
            made = Studio(client, data, film, uploaded.id, ready.facts.frames)

            async def heard(message: Any) -> None:
                _, _, project, kind = message.subject.split(".")
                if kind in ("ProxyRendered", "ExportRendered"):
                    made.hear(project, kind, json.loads(message.data))

            await bus.client.subscribe("evt.project.>", cb=heard)
            yield made


async def _measure(folder: Path, tell: Tell) -> None:
    async with studio(folder) as at:
        for minutes in MINUTES:
            await _proxies(at, folder, minutes, tell)
        await _others(at, folder, tell)
        await _exports(at, folder, tell)


async def new_project(at: Studio, name: str, seconds: int) -> tuple[str, films.Cuts]:
    project = await at.client.create_project(name, {"width": 1920, "height": 1080, "fps": [FPS, 1]})
    return project.id, films.cuts(seconds, at.frames)


async def _proxies(at: Studio, folder: Path, minutes: int, tell: Tell) -> None:
    project, parts = await new_project(at, f"{minutes} minutes", 60 * minutes)
    first, event = await at.edit(project, 1, films.ops(at.video, parts))
    peer_command = films.single_pass(at.film, parts, folder / "peer.mp4", proxy=True)
    peer = await asyncio.to_thread(films.timed, peer_command)

    def row(figure: str, seconds: float, event: Json) -> Row:
        return {
            "figure": figure, "minutes": minutes, "cutlog_s": round(seconds, 3), "single_pass_s": round(peer, 1),
            "ratio": round(peer / seconds, 1), "frames": event["frames"], "encoded": event["encoded"],
            **at.phases(event["key"]), "command": ["POST", "/api/projects/{project}/ops", "→", "ProxyRendered"],
            "peer_command": shortened(peer_command),
        }  # fmt: skip

    tell(row("R3", first, event))
    version = 1
    for figure, change in (("R1", _trim), ("R2", _retitle)):
        best: list[tuple[float, Json]] = []
        for repeat in range(REPEATS):
            version += 1
            best.append(await at.edit(project, version, change(parts, repeat)))
        best.sort(key=lambda each: each[0])
        tell(row(figure, *best[REPEATS // 2]))


def _trim(parts: films.Cuts, repeat: int) -> list[Json]:
    """One trim, ripple, of a clip in the first half: all that follows moves."""
    number = len(parts) // 3
    return [{"op": "clip.trim", "clip": f"c{number}", "out": parts[number][1] - 17 - 13 * repeat, "ripple": True}]


def _retitle(parts: films.Cuts, repeat: int) -> list[Json]:
    return [{"op": "text.set", "clip": "title", "text": f"Another title {repeat}"}]


async def _others(at: Studio, folder: Path, tell: Tell) -> None:
    project, parts = await new_project(at, "a minute for others", 60)
    # Other cuts than those that are in the cache already.
    parts = [(start + 5, end + 5) for start, end in parts]
    ours, event = await at.edit(project, 1, films.ops(at.video, parts))
    for name, command in (
        ("melt", films.melt(at.film, parts, folder / "melt.mp4")),
        ("MoviePy", await asyncio.to_thread(films.moviepy, folder, at.film, parts, folder / "moviepy.mp4")),
    ):
        if command is None:
            tell(skipped(f"{name} is not installed and can't be", figure="R6", peer=name))
            continue
        peer = await asyncio.to_thread(films.timed, command)
        tell({
            "figure": "R6", "peer": name, "cutlog_s": round(ours, 3), "peer_s": round(peer, 1),
            "ratio": round(peer / ours, 1), "encoded": event["encoded"],
            "command": ["POST", "/api/projects/{project}/ops", "→", "ProxyRendered"],
            "peer_command": shortened(command),
        })  # fmt: skip


async def _exports(at: Studio, folder: Path, tell: Tell) -> None:
    """The middle one of several tries, each with an empty cache."""
    tries = [await _exported(at, folder, repeat) for repeat in range(REPEATS)]
    for number, ratio in enumerate(("time_ratio", "ratio")):
        ordered = sorted((each[number] for each in tries), key=lambda row: float(str(row[ratio])))
        tell(ordered[REPEATS // 2] | {"tries": ", ".join(str(row[ratio]) for row in ordered)})


async def _exported(at: Studio, folder: Path, repeat: int) -> tuple[Row, Row]:
    """The rows of R4 and R5."""
    objects = Layout(at.data).objects
    shutil.rmtree(objects / "segments", ignore_errors=True)
    project, parts = await new_project(at, f"exports {repeat}", EXPORT_SECONDS)
    bare = [op for op in films.ops(at.video, parts) if op.get("clip") != "title"]
    await at.edit(project, 1, bare)
    ours, event = await at.export(project, 1)
    peer_command = films.single_pass(at.film, parts, folder / "peer.mp4", proxy=False)
    peer = await asyncio.to_thread(films.timed, peer_command)
    made = (objects / event["key"], folder / "peer.mp4")
    scores = [await asyncio.to_thread(films.vmaf, at.film, parts, path) for path in made]
    shared: Row = {"seconds": EXPORT_SECONDS, "single_pass_s": round(peer, 1)}
    commands: Row = {
        "command": ["POST", "/api/projects/{project}/export", "→", "ExportRendered"],
        "peer_command": shortened(peer_command),
    }  # fmt: skip
    first: Row = {"figure": "R4"} | shared | {
        "cutlog_s": round(ours, 2), "time_ratio": round(ours / peer, 3),
        "size_ratio": round(event["size"] / (folder / "peer.mp4").stat().st_size, 3),
        "vmaf": round(scores[0], 2), "vmaf_less": round(scores[1] - scores[0], 2), **at.phases(event["key"]),
    } | commands  # fmt: skip
    await at.edit(project, 2, _trim(parts, 0))
    again, event = await at.export(project, 2)
    second: Row = {"figure": "R5"} | shared | {
        "cutlog_s": round(again, 2), "ratio": round(peer / again, 1), "frames": event["frames"],
        "encoded": event["encoded"], **at.phases(event["key"]),
    } | commands  # fmt: skip
    return first, second


def shortened(command: list[str]) -> list[str]:
    """A command line as a person would show it: without the folders of this machine, and the middle of what repeats."""
    words = [word.rpartition("/")[2] if word.startswith("/") else word for word in command]
    words = [word if len(word) < 200 else f"{word[:90]} … {word[-90:]}" for word in words]
    return words if len(words) <= 48 else [*words[:16], "…", *words[-30:]]


BENCH: Final = Bench(
    "From an edit to its film, against single-pass ffmpeg, melt and MoviePy",
    run,
    targets=(
        Target("R1", "one trim, ripple, in a 10-minute timeline of 40 clips: from POST to the playable proxy",
               "one single-pass ffmpeg command for the same proxy", at_least=40, where={"figure": "R1", "minutes": 10}),
        Target("R2", "one text change in it", "the same", at_least=100, where={"figure": "R2", "minutes": 10}),
        Target("R3", "first proxy of that timeline, edit proxies present", "the same", at_least=10,
               where={"figure": "R3", "minutes": 10}),
        Target("R4", "first full-size export: time", "one single-pass ffmpeg command, same encoder settings",
               column="time_ratio", at_most=1.05),
        Target("R4", "the same: size", "the same", column="size_ratio", at_most=1.05),
        Target("R4", "the same: VMAF that it lacks", "the same", column="vmaf_less", at_most=0.5),
        Target("R5", "second export after one edit", "the same", at_least=10, where={"figure": "R5"}),
        Target("R6", "the first proxy of one minute", "melt", at_least=20, where={"figure": "R6", "peer": "melt"}),
        Target("R6", "the same", "MoviePy", at_least=60, where={"figure": "R6", "peer": "MoviePy"}),
    ),
    plots=(Plot("Seconds from an edit to its proxy, by minutes of film", "minutes", ("cutlog_s", "single_pass_s")),),
)  # fmt: skip
