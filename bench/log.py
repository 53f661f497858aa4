"""L1: versions that ops acknowledges per second over HTTP, against pgbench appending on the same server."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import msgspec

from bench.load import Done, Plan
from bench.shape import Bench, Plot, Row, Target
from bench.stand import Stand, standing
from cutlog.operate.cli.up import PROCESSES
from cutlog.operate.stack.postgres import DATABASE

CLIENTS: Final = (1, 16, 64, 256)
JSON: Final = {"Content-Type": "application/json"}
WARMUP: Final = 1.0
REPEATS: Final = 3
SCRIPT: Final = Path(__file__).with_name("append.sql")

TABLES: Final = """
    DROP SCHEMA IF EXISTS bench CASCADE;
    CREATE SCHEMA bench;
    CREATE TABLE bench.head (LIKE ops.head INCLUDING ALL) WITH (fillfactor = 10);
    CREATE TABLE bench.event (LIKE ops.event INCLUDING ALL);
    INSERT INTO bench.head DEFAULT VALUES;
"""


def pgbench(stand: Stand, clients: int, seconds: float) -> tuple[float, list[str]]:
    """Transactions per second, and the command."""
    program = shutil.which("pgbench")
    assert program is not None, "pgbench (of any PostgreSQL) has to be installed"
    command = [
        program, "--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={min(clients, 2)}",
        f"--time={max(1, round(seconds))}", f"--file={SCRIPT}", f"--port={stand.postgres.port}", "--host=127.0.0.1",
        "--username=postgres", DATABASE,
    ]  # fmt: skip
    result = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PGPASSWORD": stand.postgres.password}
    )
    assert result.returncode == 0, result.stderr
    found = re.search(r"^tps = ([\d.]+)", result.stdout, re.MULTILINE)
    assert found is not None, result.stdout
    script = str(SCRIPT.relative_to(SCRIPT.parents[1]))
    return float(found[1]), ["pgbench", *(word.replace(str(SCRIPT), script) for word in command[1:])]


async def prepare(stand: Stand, clients: int) -> None:
    """A project of ten clips for each editor."""
    connection = await asyncpg.connect(stand.postgres.url())
    await connection.execute(TABLES)
    await connection.close()
    ops: list[dict[str, Any]] = [{"op": "track.add", "track": "v1", "kind": "video"}]
    for n in range(10):
        ops.append({"op": "clip.add", "clip": f"c{n}", "track": "v1", "at": n * 100, "color": "#203a43", "frames": 100})
    async with aiohttp.ClientSession(stand.url, headers={"Authorization": f"Bearer {stand.token('setup')}"}) as http:

        async def make(number: int) -> None:
            for path, body in (
                ("/api/projects", {"name": "Bench", "id": f"p{number}"}),
                (f"/api/projects/p{number}/ops", {"ops": ops}),
            ):
                async with http.post(
                    path, data=msgspec.json.encode(body), headers={"Content-Type": "application/json"}
                ) as answer:
                    assert answer.status == 201, await answer.text()

        for start in range(0, clients, 32):
            await asyncio.gather(*(make(number) for number in range(start, min(clients, start + 32))))


def edit(stand: Stand, clients: int, seconds: float, versions: Sequence[int] = ()) -> Done:
    """Editors for so many seconds, in a process of their own. `versions` are those that their projects are at."""
    addresses = [urlsplit(url) for url in stand.urls]
    host, ports = addresses[0].hostname, [port for address in addresses if (port := address.port)]
    assert host is not None
    editors = [stand.token(f"editor{number}") for number in range(clients)]
    plan = Plan(host, ports, editors, WARMUP, seconds, list(versions))
    result = subprocess.run(
        [sys.executable, "-m", "bench.load"], input=msgspec.json.encode(plan), stdout=subprocess.PIPE, check=True
    )
    return msgspec.json.decode(result.stdout, type=Done)


def run(seconds: float, clients: tuple[int, ...] = CLIENTS) -> Iterator[Row]:
    """A row for each number of clients: both rates, their ratio, the latency, the command lines. Of several tries, one
    after the other, it is the middle one: either rate alone goes up and down with the machine."""
    for count in clients:
        with tempfile.TemporaryDirectory() as folder, standing(Path(folder), processes=PROCESSES) as stand:
            asyncio.run(prepare(stand, count))
            tries: list[Row] = []
            versions: list[int] = []
            for _ in range(REPEATS):
                peer, command = pgbench(stand, count, seconds)
                done = edit(stand, count, seconds, versions=versions)
                versions = done.versions
                rate = done.acknowledged / done.seconds
                tries.append({
                    "clients": count, "processes_of_ops": PROCESSES,
                    "versions_per_second": round(rate), "pgbench_per_second": round(peer),
                    "ratio": round(rate / peer, 2), "p50_ms": round(done.p50, 2), "p99_ms": round(done.p99, 2),
                    "command": stand.command, "peer_command": command,
                })  # fmt: skip
            tries.sort(key=lambda row: float(str(row["ratio"])))
            yield tries[REPEATS // 2] | {"tries": ", ".join(str(row["ratio"]) for row in tries)}


BENCH: Final = Bench(
    "Versions acknowledged per second over HTTP, against pgbench on the same server",
    run,
    targets=(
        Target(
            "L1", "versions acknowledged per second over HTTP by ops, 64 clients",
            "pgbench, one ordered append per transaction, 64 clients", at_least=1.5, where={"clients": 64},
        ),
    ),
    plots=(
        Plot("Per second, by clients", "clients", ("versions_per_second", "pgbench_per_second")),
        Plot("Milliseconds to an acknowledged version, by clients", "clients", ("p50_ms", "p99_ms")),
    ),
)  # fmt: skip
