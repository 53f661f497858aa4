"""L2, L5: how long an edit takes to its answer and to a subscriber, behind the gateway of `cutlog up`, against the
median latency of pgbench appending one after the other on the same server.

The timelines are empty, so nothing is rendered meanwhile. Phases are by one clock: the event has the time at which it
was appended.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import msgspec
import uvloop
from nats.aio.msg import Msg

from bench.load import Editor, Plan
from bench.log import JSON, SCRIPT, TABLES
from bench.shape import Bench, Row, Target
from cutlog.auth.roles import Role
from cutlog.auth.tokens import mint
from cutlog.bus import Bus
from cutlog.operate.cli.own_stack import own_stack
from cutlog.operate.cli.up import PROCESSES
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.postgres import DATABASE, Postgres
from cutlog.operate.stack.secrets import Secrets
from cutlog.operate.stack.state import read_state

RATE: Final = 100
"""Edits per second, each of a project of its own, which is edited once a second."""
REPEATS: Final = 3
WARMUP: Final = 1.0
ALONE: Final = RATE
"""The project of the client that edits one after the other."""


class Gardener(Editor):
    """Edits an empty timeline, when it is told to or one after the other. `times` has, for each version, when it was
    sent and answered, in seconds since the epoch."""

    def __init__(self, plan: Plan, number: int, token: str, *, alone: bool) -> None:
        super().__init__(plan, number, token)
        self.alone, self.busy = alone, False
        self.times: dict[tuple[str, int], tuple[float, float]] = {}
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def body(self) -> bytes:
        return (
            b'{"ops":[{"op":"track.set","track":"v1","gainDb":%d}],"expectedVersion":%d}'
            % (-(self.version % 40), self.version)
        )  # fmt: skip

    def ask(self) -> None:
        self.began, self.busy = time.time(), True
        super().ask()

    def answered(self) -> None:
        self.busy = False
        self.times[f"p{self.number}", self.version] = self.began, time.time()
        if self.stopping:
            self.done.set_result(None)
        elif self.alone:
            self.ask()


class Garden:
    """A stack, its projects, and a subscriber that notes for each version when it was appended and when it came."""

    def __init__(self, folder: Path, url: str, bus: Bus) -> None:
        self.folder, self.bus = folder, bus
        self.secrets, self.state = Secrets(Layout(folder).secrets), read_state(folder)
        self.url, address = url, urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        self.host, self.port = address.hostname, address.port
        self.postgres = Postgres(folder, self.state.postgres_port, self.secrets.database("owner"), None)
        self.came: dict[tuple[str, int], tuple[float, float]] = {}

    def token(self, number: int) -> str:
        return mint(self.secrets.signing, f"editor{number}", Role.editor, "default", 86_400)

    async def made(self) -> None:
        """Makes the projects, with a track each, and listens."""

        async def heard(message: Msg) -> None:
            head = message.headers or {}
            appended = datetime.fromisoformat(head["ce-time"]).timestamp()
            # A project's first event has version 1 of the stream and makes version 0.
            place = message.subject.split(".")[2], int(head["ce-streamversion"]) - 1
            self.came[place] = appended, time.time()

        await self.bus.client.subscribe("evt.project.*.VersionCommitted", cb=heard)
        connection = await asyncpg.connect(self.postgres.url())
        await connection.execute(TABLES)
        await connection.close()
        first = {"ops": [{"op": "track.add", "track": "v1", "kind": "video"}]}
        async with aiohttp.ClientSession(self.url, headers=JSON) as http:
            for number in range(RATE + 1):
                for path, body in (
                    ("/api/projects", {"name": "Bench", "id": f"p{number}"}),
                    (f"/api/projects/p{number}/ops", first),
                ):
                    headers = {"Authorization": f"Bearer {self.token(number)}"}
                    async with http.post(path, data=msgspec.json.encode(body), headers=headers) as answer:
                        assert answer.status == 201, await answer.text()

    async def paced(self, seconds: float, version: int) -> dict[tuple[str, int], tuple[float, float]]:
        """Edits at a fixed rate, by as many clients, each with a connection of its own."""
        loop = asyncio.get_running_loop()
        editors = [await self._editor(number, version, alone=False) for number in range(RATE)]
        began = loop.time() + 0.1
        for index in range(round(seconds) * RATE):
            if (ahead := began + index / RATE - loop.time()) > 0:
                await asyncio.sleep(ahead)
            editor = editors[index % RATE]
            assert not editor.busy, "an edit takes longer than a second"
            editor.ask()
        return await self._ended(editors)

    async def alone(self, seconds: float, version: int) -> dict[tuple[str, int], tuple[float, float]]:
        """One client's edits, one after the other."""
        editor = await self._editor(ALONE, version, alone=True)
        editor.ask()
        await asyncio.wait([editor.done], timeout=seconds)
        return await self._ended([editor])

    async def _editor(self, number: int, version: int, *, alone: bool) -> Gardener:
        plan = Plan(self.host, [self.port], [], 0, 0, [version] * (number + 1))
        editor = partial(Gardener, plan, number, self.token(number), alone=alone)
        return (await asyncio.get_running_loop().create_connection(editor, self.host, self.port))[1]

    async def _ended(self, editors: list[Gardener]) -> dict[tuple[str, int], tuple[float, float]]:
        for editor in editors:
            editor.stopping = True
            if not editor.busy:
                editor.done.set_result(None)
        await asyncio.gather(*(editor.done for editor in editors))
        times = {place: took for editor in editors for place, took in editor.times.items()}
        for editor in editors:
            editor.transport.close()
        while not times.keys() <= self.came.keys():
            await asyncio.sleep(0.01)
        return times


def peer(postgres: Postgres, seconds: float) -> tuple[float, list[str]]:
    """The median latency of an ordered append in milliseconds, and the command."""
    program = shutil.which("pgbench")
    assert program is not None, "pgbench (of any PostgreSQL) has to be installed"
    with tempfile.TemporaryDirectory() as folder:
        command = [
            program, "--no-vacuum", "--protocol=prepared", "--client=1", f"--time={max(1, round(seconds))}", "--log",
            f"--file={SCRIPT}", f"--port={postgres.port}", "--host=127.0.0.1", "--username=postgres", DATABASE,
        ]  # fmt: skip
        env = os.environ | {"PGPASSWORD": postgres.password}
        result = subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder)
        assert result.returncode == 0, result.stderr
        lines = [line for file in Path(folder).iterdir() for line in file.read_text().splitlines()]
    script = str(SCRIPT.relative_to(SCRIPT.parents[1]))
    median = statistics.median(int(line.split()[2]) for line in lines) / 1000
    return median, ["pgbench", *(word.replace(str(SCRIPT), script) for word in command[1:])]


async def measured(seconds: float) -> list[Row]:
    """L5 and L2, each between two runs of its peer, several times in turns; of each the try in the middle."""
    tries: dict[str, list[Row]] = {"L5": [], "L2": []}
    command: list[str] = []
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        data = folder / "data"
        url = await parts.enter_async_context(own_stack(data))
        seed = Secrets(Layout(data).secrets).nats("operator").seed
        bus = await parts.enter_async_context(await Bus.connect(read_state(data).nats_url, seed, name="operator"))
        garden = Garden(data, url, bus)
        await garden.made()
        paced = alone = 1
        for _ in range(REPEATS):
            before, command = await asyncio.to_thread(peer, garden.postgres, seconds / 2)
            times = await garden.alone(seconds, alone)
            alone += len(times)
            between, _ = await asyncio.to_thread(peer, garden.postgres, seconds / 2)
            tries["L5"].append(row(garden, "L5", times, (before + between) / 2))
            times = await garden.paced(seconds, paced)
            paced += len(times) // RATE
            after, _ = await asyncio.to_thread(peer, garden.postgres, seconds / 2)
            tries["L2"].append(row(garden, "L2", times, (between + after) / 2))
    return [middle(rows) | {"command": ["cutlog", "up"], "peer_command": command} for rows in tries.values()]


def row(garden: Garden, figure: str, times: dict[tuple[str, int], tuple[float, float]], alone: float) -> Row:
    """What one try was, in milliseconds. `alone` is the peer's median."""
    settled = min(sent for sent, _ in times.values()) + WARMUP
    took = [(sent, answered, *garden.came[place]) for place, (sent, answered) in times.items() if sent >= settled]
    to_message = sorted(came - sent for sent, _, _, came in took)
    to_answer = sorted(answered - sent for sent, answered, _, _ in took)
    message, late, answer = quantile(to_message, 50), quantile(to_message, 99), quantile(to_answer, 50)
    return {
        "figure": figure, "processes_of_ops": PROCESSES, "edits": len(took), "pgbench_p50_ms": round(alone, 2),
        "answer_p50_ms": answer, "answer_p99_ms": quantile(to_answer, 99),
        "message_p50_ms": message, "message_p99_ms": late,
        "sent_to_append_ms": quantile(sorted(appended - sent for sent, _, appended, _ in took), 50),
        "append_to_answer_ms": quantile(sorted(answered - appended for _, answered, appended, _ in took), 50),
        "append_to_message_ms": quantile(sorted(came - appended for _, _, appended, came in took), 50),
        "ratio": round((answer if figure == "L5" else message) / alone, 1), "p99_ratio": round(late / alone, 1),
    }  # fmt: skip


def quantile(values: list[float], percent: int) -> float:
    """Of sorted seconds, in milliseconds."""
    return round(1000 * values[len(values) * percent // 100], 2)


def middle(rows: list[Row]) -> Row:
    """The try whose ratio is in the middle, with those of all."""
    rows.sort(key=lambda row: float(row["ratio"]))
    return rows[len(rows) // 2] | {"tries": ", ".join(str(row["ratio"]) for row in rows)}


def run(seconds: float) -> Iterator[Row]:
    """A row for each figure."""
    yield from uvloop.run(measured(max(seconds, 3.0)))


BENCH: Final = Bench(
    "An edit to its answer and to a subscriber, as `cutlog up` runs it",
    run,
    targets=(
        Target(
            "L2", f"POST of ops to its message at a subscriber at {RATE} per second, median",
            "pgbench, one ordered append after the other, median", at_most=4, where={"figure": "L2"},
        ),
        Target(
            "L2", "the same, 99 of 100", "the same", column="p99_ratio", at_most=15, where={"figure": "L2"},
        ),
        Target(
            "L5", "POST to 201 of one client, one edit after the other, median", "the same", at_most=4,
            where={"figure": "L5"},
        ),
    ),
)  # fmt: skip
