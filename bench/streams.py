"""E1, E2: what idle event streams cost ops: queries per second, and processor time."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import aiohttp
import asyncpg

from bench.shape import Bench, Row, Target
from bench.stand import Stand, standing
from cutlog.operate.stack.postgres import DATABASE

STREAMS: Final = (0, 1_000, 5_000)
PROJECTS: Final = 50
PER_SUBJECT: Final = 50
SETTLE: Final = 3.0
"""Seconds between the last stream and the measurement: PostgreSQL counts what a connection did with a delay of one."""
TICKS: Final = os.sysconf("SC_CLK_TCK")
_QUERIES: Final = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1"
"""Each read is a transaction of its own, which is rolled back."""


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def idle(stand: Stand, count: int, seconds: float) -> Row:
    """Opens so many streams over PROJECTS projects, on which nothing happens, and measures ops meanwhile."""
    async with AsyncExitStack() as parts:
        timeout, connector = aiohttp.ClientTimeout(total=None), aiohttp.TCPConnector(limit=0)
        http = await parts.enter_async_context(aiohttp.ClientSession(stand.url, timeout=timeout, connector=connector))

        async def follow(number: int) -> None:
            headers = {"Authorization": f"Bearer {stand.token(f'listener{number // PER_SUBJECT}')}"}
            path = f"/api/projects/p{number % PROJECTS}/events"
            response = await parts.enter_async_context(http.get(path, headers=headers))
            assert response.status == 200, await response.text()

        for start in range(0, count, 100):
            await asyncio.gather(*(follow(number) for number in range(start, min(count, start + 100))))
        postgres = await asyncpg.connect(stand.postgres.url(DATABASE))
        parts.push_async_callback(postgres.close)
        await asyncio.sleep(SETTLE)
        queries = await postgres.fetchval(_QUERIES, DATABASE)
        cpu, began = cpu_seconds(stand.ops[0].pid), time.monotonic()
        await asyncio.sleep(seconds)
        cpu, took = cpu_seconds(stand.ops[0].pid) - cpu, time.monotonic() - began
        queries = await postgres.fetchval(_QUERIES, DATABASE) - queries
        return {
            "idle_streams": count, "queries_per_second": round(queries / took, 1),
            "percent_of_a_core": round(100 * cpu / took, 1), "command": stand.command,
        }  # fmt: skip


async def made(stand: Stand) -> None:
    """The projects."""
    async with aiohttp.ClientSession(stand.url, headers={"Authorization": f"Bearer {stand.token('setup')}"}) as http:
        for number in range(PROJECTS):
            async with http.post("/api/projects", json={"name": "Bench", "id": f"p{number}"}) as answer:
                assert answer.status == 201, await answer.text()


def run(seconds: float, streams: tuple[int, ...] = STREAMS) -> Iterator[Row]:
    """A row for each number of streams. A heartbeat goes to each every 15 seconds, so it takes 30 at least."""
    with tempfile.TemporaryDirectory() as folder, standing(Path(folder)) as stand:
        asyncio.run(made(stand))
        for count in streams:
            yield asyncio.run(idle(stand, count, max(30.0, seconds)))


BENCH: Final = Bench(
    title="Idle event streams",
    run=run,
    targets=(
        Target(
            "E1", "queries per second of ops with 5,000 idle event streams", column="queries_per_second",
            at_most=10, where={"idle_streams": 5_000},
        ),
        Target(
            "E2", "percent of a core that ops takes with 5,000 idle event streams", column="percent_of_a_core",
            at_most=15, where={"idle_streams": 5_000},
        ),
    ),
)  # fmt: skip
