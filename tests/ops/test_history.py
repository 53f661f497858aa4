"""Folding: from anywhere to anywhere the same, and never from zero when it is long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.envelope import UnknownEventTypeError
from cutlog.contract.subjects import project_stream
from cutlog.db.engine import create_engine
from cutlog.hosting.settings import Settings
from services.ops.log.read import LogReader
from services.ops.project.history import History
from services.ops.proof import PROOF
from services.ops.readmodel.rebuild import rebuild
from services.ops.timeline.resolve import digest
from tests.ops.conftest import Ask, Client
from tests.ops.renders import proxy_made
from tests.support.database import Database
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="makes a history of hundreds of events")

Media = Callable[..., Awaitable[str]]
TRACKS = [{"op": "track.add", "track": f"v{n}", "kind": "video"} for n in range(2)]


def clip(n: int, **more: Any) -> dict[str, Any]:
    return {
        "op": "clip.add", "clip": f"c{n}", "track": f"v{n % 2}", "at": 0, "media": "m1",
        "in": n % 100, "out": n % 100 + 5, "mode": "insert", **more,
    }  # fmt: skip


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(settings)
    yield engine
    await engine.dispose()


@pytest.fixture
async def long_film(editor: Client, media: Media) -> Client:
    """Project p1 with 250 versions of two clips added and one taken away, with exports and pins in between."""
    await media("m1")
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", *TRACKS)
    for n in range(249):
        await editor.edit("p1", clip(2 * n), clip(2 * n + 1), {"op": "clip.remove", "clip": f"c{n}"})
        if n % 50 == 10:
            await editor.made("POST", "/api/projects/p1/export")
            await editor.made("POST", f"/api/projects/p1/versions/{n}/pin")
    return editor


@slow
async def test_a_fold_from_any_snapshot_equals_the_fold_from_zero(
    long_film: Client, engine: AsyncEngine, database: Database
) -> None:
    owner = await asyncpg.connect(database.owner_url)
    try:
        await eventually(lambda: _snapshots(owner, [100, 200]))
        shown = {
            n: await long_film.made("GET", f"/api/projects/p1/timeline?version={n}") for n in (0, 1, 99, 100, 101, 250)
        }
        await long_film.made("POST", "/api/projects/p1/versions/250/pin")  # the last that happens to the last version
        from_snapshots = {n: await _digest(engine, n) for n in shown}
        head = await History(engine, LogReader(engine)).head("p1")
        await owner.execute("DELETE FROM ops.snapshot")
        assert {n: await _digest(engine, n) for n in shown} == from_snapshots
        assert {n: timeline["digest"] for n, timeline in shown.items()} == from_snapshots
        history = History(engine, LogReader(engine))
        assert await history.head("p1") == head, "exports, pins and taken ids too"
        await history.settle()
        await eventually(lambda: _snapshots(owner, [250]))
        assert PROOF.stale is not None
        assert [fault async for fault in PROOF.stale(engine)] == [], "what was pinned since is in it"
    finally:
        await owner.close()


async def _snapshots(owner: asyncpg.Connection, versions: list[int]) -> bool:
    rows = await owner.fetch("SELECT version FROM ops.snapshot ORDER BY version")
    return [row["version"] for row in rows] == versions


async def _digest(engine: AsyncEngine, version: int) -> str:
    sequence = await History(engine, LogReader(engine)).at("p1", version)
    return digest(sequence, lambda _: "ab" * 32)


@slow
async def test_the_timeline_of_a_version_is_the_same_whenever_it_is_asked_for(long_film: Client) -> None:
    before = await long_film.made("GET", "/api/projects/p1/timeline?version=42")
    await long_film.edit("p1", {"op": "track.remove", "track": "v0"})
    assert await long_film.made("GET", "/api/projects/p1/timeline?version=42") == before


@slow
async def test_the_rows_derived_as_events_land_equal_those_of_a_rebuild(
    editor: Client, ask: Ask, media: Media, database: Database, engine: AsyncEngine
) -> None:
    await media("m1")
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.made("POST", "/api/projects", {"name": "Gone", "id": "p2"})
    await editor.edit("p1", *TRACKS, clip(0))
    await editor.edit("p1", {"op": "project.configure", "name": "Renamed", "width": 640, "background": "#123456"})
    for n in range(3):
        await editor.edit("p1", {"op": "track.set", "track": "v0", "gainDb": -n})  # a version and nothing else
    await proxy_made(ask, 1)
    x = (await editor.made("POST", "/api/projects/p1/export"))["id"]
    await editor.made("POST", f"/api/projects/p1/exports/{x}/cancel")
    await editor.made("POST", "/api/projects/p1/versions/1/pin")
    await editor("DELETE", "/api/projects/p2")
    owner = await asyncpg.connect(database.owner_url)
    try:
        before = await _rows(owner)
        assert all(before.values()), "every table has something to compare"
        await rebuild(engine, LogReader(engine))
        assert await _rows(owner) == before
    finally:
        await owner.close()


async def _rows(owner: asyncpg.Connection) -> dict[str, list[Any]]:
    tables = {
        "project": "SELECT * FROM ops.project ORDER BY id",
        "version": "SELECT * FROM ops.version ORDER BY project, version",
        "export": "SELECT * FROM ops.export ORDER BY id",
        "pin": "SELECT * FROM ops.pin ORDER BY project, version, profile",
        "media": "SELECT * FROM ops.media ORDER BY id",
        "media_use": "SELECT * FROM ops.media_use ORDER BY media, project",
    }
    return {name: [tuple(row) for row in await owner.fetch(sql)] for name, sql in tables.items()}


async def test_a_fact_that_this_build_does_not_know_stops_the_fold(
    editor: Client, database: Database, engine: AsyncEngine
) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute("ALTER TABLE ops.event DISABLE TRIGGER ALL")
        await owner.execute(
            "INSERT INTO ops.event (position, stream, version, id, type, data, meta, at) "
            "SELECT 2, stream, 2, gen_random_uuid(), 'FromTheFuture', '{}', meta, at FROM ops.event WHERE position = 1"
        )
    finally:
        await owner.close()
    with pytest.raises(UnknownEventTypeError):
        await History(engine, LogReader(engine)).head("p1")


async def test_a_project_that_does_not_exist_folds_to_nothing(engine: AsyncEngine) -> None:
    assert await History(engine, LogReader(engine)).head("p_none") is None
    assert await LogReader(engine).stream(project_stream("p_none")) == []


@slow
async def test_reading_while_others_write_gives_whole_versions(editor: Client) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", *TRACKS)

    async def write() -> None:
        for n in range(60):
            color = {"color": "#ff0000", "frames": 5}
            both = [{"op": "clip.add", "clip": f"c{n}-{v}", "track": f"v{v}", "at": n * 5, **color} for v in range(2)]
            await editor.edit("p1", *both)

    async def read() -> None:
        for _ in range(60):
            timeline = await editor.made("GET", "/api/projects/p1/timeline")
            assert len({len(track["clips"]) for track in timeline["tracks"]}) == 1

    await asyncio.gather(write(), read())
