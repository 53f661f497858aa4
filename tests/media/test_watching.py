"""Waiting for what becomes of a video: many wait, one looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event, insert, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.media.records.watching import Watching
from services.media.tables import video
from tests.support.database import Database
from tests.support.waiting import eventually

MANY = 40
EVERY = 0.01


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database.url("media"))
    yield engine
    await engine.dispose()


class Looks:
    """The statements of an engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.count = 0
        event.listen(engine.sync_engine, "before_cursor_execute", self)

    def __call__(self, *_: Any) -> None:
        self.count += 1


async def add(engine: AsyncEngine, *ids: str) -> None:
    """Videos whose renditions are being made."""
    same: dict[str, Any] = {
        "tenant": "default", "sha256": "0" * 64, "size": 1, "generation": 0, "key": "k", "name": "n", "kind": "video",
        "facts": {"container": "mov", "duration": "1"}, "ref_count": 1, "status": "processing", "renditions": {},
        "actor": "a", "trace": "t", "derive_run": 0, "derive_left": 5,
    }  # fmt: skip
    async with engine.begin() as connection:
        rows = [same | {"id": name, "sha256": f"{number:064}"} for number, name in enumerate(ids)]
        await connection.execute(insert(video), rows)


async def change(engine: AsyncEngine, video_id: str, **values: Any) -> None:
    async with engine.begin() as connection:
        await connection.execute(update(video).where(video.c.id == video_id).values(values))


async def test_however_many_wait_one_statement_looks_for_all(engine: AsyncEngine) -> None:
    ids = [f"v{number}" for number in range(MANY)]
    await add(engine, *ids)
    watching, looks = Watching(engine, every=EVERY), Looks(engine)
    for _ in range(3):
        before = looks.count
        found = await asyncio.gather(*(watching.next(name) for name in (*ids, ids[0])))
        assert [one.id for one in found if one is not None] == [*ids, ids[0]]
        assert looks.count == before + 1
    await change(engine, "v1", status="ready", progress=1.0)
    one, two = await asyncio.gather(watching.next("v1"), watching.next("v2"))
    assert one is not None and two is not None
    assert (one.status, one.progress, two.status) == ("ready", 1.0, "processing")


async def test_a_video_that_is_gone_is_told_as_none(engine: AsyncEngine) -> None:
    await add(engine, "v1")
    await change(engine, "v1", ref_count=0)
    watching = Watching(engine, every=EVERY)
    gone = await asyncio.gather(*(watching.next(name) for name in ("v1", "v2")))
    assert gone == [None, None]


async def test_nobody_looks_for_those_who_have_left(engine: AsyncEngine) -> None:
    await add(engine, "v1", "v2")
    watching, looks = Watching(engine, every=EVERY), Looks(engine)
    for others in range(2):  # all leave, then all but one
        leaving = asyncio.create_task(watching.next("v1"))
        staying = [asyncio.create_task(watching.next("v2"))] if others else []
        await asyncio.sleep(0)
        leaving.cancel()
        assert [one.id for one in await asyncio.gather(*staying) if one is not None] == ["v2"] * others
        await eventually(lambda: not [task for task in asyncio.all_tasks() if task.get_name() == "watching videos"])
        assert looks.count == others


async def test_what_the_database_says_reaches_everybody_and_the_next_look_is_a_new_one(
    engine: AsyncEngine, database: Database
) -> None:
    lost = create_async_engine(database.url("media") + "_gone")
    watching = Watching(lost, every=EVERY)
    found = await asyncio.gather(*(watching.next(name) for name in ("v1", "v2")), return_exceptions=True)
    assert len(found) == 2 and all(isinstance(error, Exception) for error in found), found
    with pytest.raises(Exception, match="_gone"):
        await watching.next("v1")
    await lost.dispose()
