"""L3, L4: a relay that catches up, and a projection made anew, over a million events.

BENCH_EVENTS=100000 takes fewer.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import uvloop
from sqlalchemy.ext.asyncio import create_async_engine

from bench.shape import Bench, Row, Target
from bench.stand import Stand, standing
from cutlog.bus import Bus, Projection, consume, messages
from cutlog.bus.pull import Pull, ensure_consumer
from cutlog.contract.subjects import EVENTS
from cutlog.operate.cli.serve import unhurried_collection
from cutlog.operate.stack.postgres import service_url
from services.gc.projection import apply as projection
from services.ops.log.relay import Relay

COUNT: Final = int(os.environ.get("BENCH_EVENTS", "1000000"))
PROJECTS: Final = 1_000
CHUNK: Final = 50_000

TABLES: Final = """
    DROP SCHEMA IF EXISTS bench CASCADE;
    CREATE SCHEMA bench;
    CREATE TABLE bench.event (LIKE ops.event INCLUDING ALL);
"""
COLUMNS: Final = ("position", "stream", "version", "id", "type", "data", "meta", "at")


def run(seconds: float) -> Iterator[Row]:
    """Both on one log; what is ours, and reading, in a loop such as a service has."""
    unhurried_collection()
    with tempfile.TemporaryDirectory() as folder, standing(Path(folder), ("ops", "gc")) as stand:
        stand.stop_ops()
        copied = asyncio.run(fill(stand))
        caught_up = uvloop.run(relay(stand))
        yield {
            "figure": "L3", "events": COUNT, "relay_per_second": round(COUNT / caught_up),
            "copy_per_second": round(COUNT / copied), "ratio": round(copied / caught_up, 2),
            "command": ["services.ops.log.relay.Relay"], "peer_command": ["COPY", "bench.event", "FROM", "STDIN"],
        }  # fmt: skip
        read = uvloop.run(reading(stand))
        rebuilt = uvloop.run(rebuilding(stand))
        yield {
            "figure": "L4", "events": COUNT, "rebuild_per_second": round(COUNT / rebuilt),
            "read_per_second": round(COUNT / read), "ratio": round(read / rebuilt, 2),
            "command": ["cutlog.bus.consume(services.gc.projection)"],
            "peer_command": ["cutlog.bus.Pull", "+", "decode"],
        }  # fmt: skip


def rows(first: int, last: int) -> Iterator[tuple[Any, ...]]:
    """Events of positions `first` to `last`: projects, their versions, and an export of every tenth."""
    meta = msgspec.json.encode({"tenant": "default", "actor": "bench", "trace": "0" * 32}).decode()
    at = msgspec.convert("2026-01-01T00:00:00Z", type=datetime)
    for position in range(first, last + 1):
        index, project = divmod(position - 1, PROJECTS)
        kind, data = _fact(index, project)
        yield (
            position, f"project.b{project}", index + 1, uuid.uuid5(uuid.NAMESPACE_OID, str(position)), kind,
            msgspec.json.encode(data).decode(), meta, at,
        )  # fmt: skip


def _fact(index: int, project: int) -> tuple[str, dict[str, Any]]:
    if index == 0:
        canvas = {"width": 1920, "height": 1080, "fps": [30, 1], "background": "#000000"}
        return "ProjectCreated", {"name": f"Bench {project}", "canvas": canvas}
    rounds, step = divmod(index - 1, 12)
    version = 10 * rounds + min(step, 9) + 1
    export = {"exportId": f"x-{project}-{rounds}", "version": version, "profile": "mp4"}
    match step:
        case 10:
            return "ExportRequested", export
        case 11:
            key = f"export/b{project}/v{version}_final.mp4"
            made = {"key": key, "size": 1_000_000, "sha256": "0" * 64, "frames": 300, "encoded": 30}
            return "ExportRendered", export | made
        case _:
            ops = [{"op": "clip.trim", "clip": f"c{step}", "out": 100 + version}]
            digest = f"{project:032x}{version:032x}"
            return "VersionCommitted", {
                "version": version, "ops": ops, "duration": 300, "digest": digest, "message": None, "mediaAdded": [],
                "mediaRemoved": [],
            }  # fmt: skip


async def fill(stand: Stand) -> float:
    """Puts the events into the log, and into a table like it; how many seconds the latter took."""
    connection = await asyncpg.connect(stand.postgres.url())
    await connection.execute(TABLES)
    seconds = 0.0
    for first in range(1, COUNT + 1, CHUNK):
        batch = list(rows(first, min(COUNT, first + CHUNK - 1)))
        began = time.perf_counter()
        await connection.copy_records_to_table("event", schema_name="bench", records=batch, columns=COLUMNS)
        seconds += time.perf_counter() - began
    await connection.execute("INSERT INTO ops.event SELECT * FROM bench.event ORDER BY position")
    await connection.execute("UPDATE ops.head SET position = $1", COUNT)
    await connection.execute("DROP SCHEMA bench CASCADE")
    await connection.execute("VACUUM ANALYZE ops.event")
    await connection.close()
    return seconds


async def relay(stand: Stand) -> float:
    """How many seconds a relay takes to publish the whole log."""
    async with AsyncExitStack() as parts:
        engine = create_async_engine(service_url(stand.postgres.port, "ops", stand.secrets.database("ops")))
        parts.push_async_callback(engine.dispose)
        bus = await parts.enter_async_context(
            await Bus.connect(stand.nats.url, stand.secrets.nats("ops").seed, name="ops")
        )
        stop, work = asyncio.Event(), Relay(bus, engine)
        began = time.perf_counter()
        running = asyncio.create_task(work.run(stop))
        while work.state.published < COUNT:
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - began
        stop.set()
        await running
    return seconds


async def reading(stand: Stand) -> float:
    """How many seconds it takes to read all events off the stream and decode them."""
    async with await Bus.connect(stand.nats.url, stand.secrets.nats("operator").seed, name="operator") as bus:
        config = {"durable_name": "bench", "ack_policy": "none", "deliver_policy": "all", "filter_subjects": ["evt.>"]}
        await ensure_consumer(bus, EVENTS, config)
        began, count = time.perf_counter(), 0
        async with Pull(bus, EVENTS, "bench", room=lambda held: 2_000 - held, step=500) as pull:
            while count < COUNT:
                for message in await pull.take(500, timeout=5.0):
                    messages.read(message, messages.place(message.reply).stream).decode()
                    count += 1
        return time.perf_counter() - began


async def rebuilding(stand: Stand) -> float:
    """How many seconds the collector's projection takes from an empty schema to the last event."""
    async with AsyncExitStack() as parts:
        engine = create_async_engine(service_url(stand.postgres.port, "gc", stand.secrets.database("gc")))
        parts.push_async_callback(engine.dispose)
        bus = await parts.enter_async_context(
            await Bus.connect(stand.nats.url, stand.secrets.nats("gc").seed, name="gc")
        )
        work = Projection(
            name=projection.NAME, durable=projection.NAME, subjects=projection.SUBJECTS, engine=engine,
            apply=projection.apply, reset=projection.clear,
        )  # fmt: skip
        stop = asyncio.Event()
        began = time.perf_counter()
        running = asyncio.create_task(consume(bus, work, stop))
        while work.standing.position < COUNT:
            await asyncio.sleep(0.05)
        seconds = time.perf_counter() - began
        stop.set()
        await running
    return seconds


BENCH: Final = Bench(
    "The backbone: catching up, and rebuilding a projection",
    run,
    targets=(
        Target("L3", "relay catching up a million events", "COPY of the same rows into PostgreSQL", at_least=0.3,
               where={"figure": "L3"}),
        Target("L4", "rebuild of the collector's projection from a million events",
               "reading them off the stream and decoding, nothing else", at_least=0.5, where={"figure": "L4"}),
    ),
)  # fmt: skip
