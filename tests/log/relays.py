"""A relay at work, what it has published, and a log that lost its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from cutlog.bus import Bus, BusError
from services.ops.log.relay import Relay
from tests.support.database import Database
from tests.support.streams import last_sequence
from tests.support.waiting import eventually


@asynccontextmanager
async def relaying(relay: Relay) -> AsyncIterator[Relay]:
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(stop))
    try:
        yield relay
    finally:
        stop.set()
        await task


async def lose(database: Database, after: int) -> None:
    """An older backup is restored."""
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("DELETE FROM ops.event WHERE position > $1", after)
    await owner.execute("UPDATE ops.head SET position = $1", after)
    await owner.close()


async def published(bus: Bus, position: int) -> None:
    """Waits until the stream has that many messages; the server may be away in between."""

    async def reached() -> bool:
        try:
            return await last_sequence(bus) == position
        except BusError:
            return False

    assert await eventually(reached)
