"""Files that a backup holds stay where they are; when the hold has ended, however it did, they follow their events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import LocalBlobs
from cutlog.db.engine import create_engine
from cutlog.db.holds import AlreadyHeld, are_held, holding
from cutlog.db.lead import held
from cutlog.db.leases import Terms
from services.gc.acts.moves import Mover
from tests.support.configuration import SettingsFactory
from tests.support.waiting import eventually

FOR_EVER = Terms(lease=3600.0)
SOON_OVER = Terms(lease=2.0, renew=3600.0, margin=0.1)
"""As of a holder that is not heard of again."""


@pytest.fixture
async def engine(settings_for: SettingsFactory) -> AsyncIterator[AsyncEngine]:
    made = create_engine(settings_for("gc"))
    yield made
    await made.dispose()


@pytest.fixture
async def blobs(settings_for: SettingsFactory, owner: asyncpg.Connection) -> LocalBlobs:
    """A store in which one file is to be removed and one to go to the archive."""
    made = LocalBlobs(settings_for("gc").data / "objects", "")
    await made.put_bytes("videos/t/one", b"one")
    await made.put_bytes("export/p/v1_final.mp4", b"two")
    await owner.execute(
        "INSERT INTO gc.move (intent, position, class, object_id, tenant, action, source, target, actor, at) VALUES"
        " ('a', 1, 'video', 'v', 't', 'delete', 'videos/t/one', NULL, 'x', now()),"
        " ('b', 2, 'export', 'e', 't', 'move', 'export/p/v1_final.mp4', 'archive/e_v1_final.mp4', 'x', now())"
    )
    return made


async def keys(blobs: LocalBlobs) -> set[str]:
    return {head.key async for head in blobs.list()}


async def test_nothing_is_moved_or_removed_while_files_are_held(engine: AsyncEngine, blobs: LocalBlobs) -> None:
    mover, before = Mover(engine, blobs), await keys(blobs)
    async with holding(engine):
        assert await mover.settle() == 0 and await keys(blobs) == before and await mover.waits()
        with pytest.raises(AlreadyHeld):
            async with holding(engine):
                pass
    assert not await mover.waits() and await mover.settle() == 2
    assert await keys(blobs) == {"archive/e_v1_final.mp4"}


async def test_a_hold_begins_when_what_was_under_way_has_ended(engine: AsyncEngine) -> None:
    async def taken() -> None:
        async with holding(engine, FOR_EVER):
            pass

    async with engine.begin() as moving:
        assert not await are_held(moving)
        taking = asyncio.create_task(taken())

        async def waiting() -> bool:
            async with engine.connect() as connection:
                query = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
                return bool((await connection.exec_driver_sql(query)).scalar_one())

        assert await eventually(waiting) and not taking.done()
    await taking


async def test_a_hold_whose_holder_is_not_heard_of_ends_by_itself(engine: AsyncEngine, blobs: LocalBlobs) -> None:
    mover = Mover(engine, blobs)
    async with holding(engine, SOON_OVER) as lease:
        assert await mover.settle() == 0

        async def moved() -> bool:
            return await mover.settle() == 2

        assert await eventually(moved) and lease.left <= 0


async def test_only_the_hold_holds(engine: AsyncEngine, blobs: LocalBlobs) -> None:
    async with held(engine, "gc.act t"):
        assert await Mover(engine, blobs).settle() == 2
