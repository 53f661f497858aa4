"""L6: ten edits a second for a minute in one project, as `cutlog up` runs it: what is acknowledged, and how far what is
shown is behind. A property of a clip is dragged for a second, then one of the next clip.

A proxy is shown from the moment at which its event reaches the event stream of a browser. From the acknowledgement of a
version until a proxy of it, or of a later one, is shown, what is shown is out of date: `behind_max_s` is the longest of
these times. BENCH_BURST=60 is how many seconds there are edits.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
import uvloop

from bench.log import JSON
from bench.shape import Bench, Row, Target
from cutlog.auth.roles import Role
from cutlog.auth.tokens import mint
from cutlog.operate.cli.own_stack import own_stack
from cutlog.operate.cli.up import PROCESSES
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.secrets import Secrets

RATE: Final = 10
SECONDS: Final = float(os.environ.get("BENCH_BURST", "60"))
CLIPS: Final = 10
FRAMES: Final = 48
COLORS: Final = ("#203a43", "#7b2d26", "#3f6c51", "#c9a227", "#4a4e69")

_DATA: Final = msgspec.json.Decoder(dict[str, Any])


class Watch:
    """What a browser sees of a project: the event stream, and when each version was shown first."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self.shown: list[tuple[int, float]] = []
        self.arrived = asyncio.Event()

    async def follow(self) -> None:
        """Until it is cancelled."""
        async with self._http.get("/api/projects/burst/events") as response:
            assert response.status == 200, await response.text()
            async for kind, data in _events(response):
                if kind == "ProxyRendered":
                    self.shown.append((int(data["data"]["version"]), time.perf_counter()))
                    self.arrived.set()
                assert kind != "ProxyFailed", data

    async def until(self, version: int) -> None:
        """Waits until that version is shown, or a later one."""
        while not self.shown or max(self.shown)[0] < version:
            self.arrived.clear()
            await self.arrived.wait()


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    kind = ""
    async for line in response.content:
        name, _, value = line.decode().strip().partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, _DATA.decode(value)


async def measured() -> Row:
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        url = await parts.enter_async_context(own_stack(folder / "data"))
        token = mint(Secrets(Layout(folder / "data").secrets).signing, "burst", Role.editor, "default", 86_400)
        timeout = aiohttp.ClientTimeout(total=None)
        http = await parts.enter_async_context(
            aiohttp.ClientSession(url, headers=JSON | {"Authorization": f"Bearer {token}"}, timeout=timeout)
        )
        await _post(http, "/api/projects", {"name": "Burst", "id": "burst"})
        watch = Watch(http)
        watching = asyncio.create_task(watch.follow())
        ops: list[dict[str, Any]] = [{"op": "track.add", "track": "v1", "kind": "video"}]
        for n in range(CLIPS):
            color = COLORS[n % len(COLORS)]
            ops.append(
                {"op": "clip.add", "clip": f"c{n}", "track": "v1", "at": n * FRAMES, "color": color, "frames": FRAMES}
            )
        await _post(http, "/api/projects/burst/ops", {"ops": ops})
        await watch.until(1)
        acknowledged: dict[int, float] = {1: 0.0}
        answers: list[float] = []

        async def edit(index: int) -> None:
            op = {"op": "clip.set", "clip": f"c{index // RATE % CLIPS}", "opacity": 0.2 + index % 70 / 100}
            began = time.perf_counter()
            made = await _post(http, "/api/projects/burst/ops", {"ops": [op]})
            acknowledged[made["version"]] = time.perf_counter()
            answers.append(time.perf_counter() - began)

        began, work = time.perf_counter(), []
        for index in range(round(RATE * SECONDS)):
            await asyncio.sleep(max(0.0, began + index / RATE - time.perf_counter()))
            work.append(asyncio.create_task(edit(index)))
        await asyncio.gather(*work)
        await watch.until(len(work) + 1)
        watching.cancel()
    return row(acknowledged, watch.shown, sorted(answers))


async def _post(http: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with http.post(path, data=msgspec.json.encode(body)) as answer:
        assert answer.status == 201, await answer.text()
        return _DATA.decode(await answer.read())


def row(acknowledged: dict[int, float], shown: list[tuple[int, float]], answers: list[float]) -> Row:
    """What it was like."""
    behind, newest, proxies = [], 1, 0
    for version, at in shown:
        if version > newest:
            behind.append(at - acknowledged[newest + 1])
            newest, proxies = version, proxies + 1
    behind.sort()
    return {
        "processes_of_ops": PROCESSES, "edits": len(answers), "per_second": RATE, "acknowledged": len(acknowledged) - 1,
        "answer_p50_ms": round(1000 * answers[len(answers) // 2], 1), "answer_max_ms": round(1000 * answers[-1], 1),
        "proxies": proxies, "behind_p50_s": round(behind[len(behind) // 2], 2), "behind_max_s": round(behind[-1], 2),
        "command": ["cutlog", "up"],
    }  # fmt: skip


def run(_: float) -> Iterator[Row]:
    """One row."""
    yield uvloop.run(measured())


BENCH: Final = Bench(
    "Ten edits a second",
    run,
    targets=(
        Target("L6", "longest time that what is shown is behind an acknowledged edit, in seconds",
               column="behind_max_s", at_most=1.5),
    ),
)  # fmt: skip
