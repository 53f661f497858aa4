"""A projection made anew beside the one that serves, and put in its place in one moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus.connection import Bus
from cutlog.bus.history import read_history
from cutlog.bus.shadow import Derived, fold, hold, shadows, swap
from cutlog.bus.tables import reached
from cutlog.contract.base import Wire
from cutlog.contract.envelope import RawEvent

log = structlog.get_logger(__name__)

_SCHEMA: Final = "SELECT current_schema()"


class ReplayUnderWay(Exception):
    """The projection is being replayed from an earlier position: it is being made anew already."""


class Rebuilt(Wire):
    """From how many events the rows were derived."""

    events: int


async def rebuild(bus: Bus, engine: AsyncEngine, derived: Derived) -> Rebuilt:
    """Derives the rows in temporary tables while the old ones serve; then, while the consumer waits, what came
    meanwhile, and swaps. One transaction: whatever breaks it, the old rows stay.

    Raises ReplayUnderWay, BusError, UnknownEventTypeError, ValidationError.
    """

    async def read(after: int, limit: int) -> Sequence[RawEvent]:
        return await read_history(bus, after + 1, limit=limit)

    async with engine.begin() as connection:
        schema = str((await connection.exec_driver_sql(_SCHEMA)).scalar_one())
        before = 0 if derived.checkpoint is None else await reached(connection, derived.checkpoint)
        async with shadows(connection, schema, derived):
            done = await fold(connection, read, derived, before)
            now = await hold(connection, derived)
            if now < done:
                raise ReplayUnderWay(f"The checkpoint went from {done} back to {now}.")
            await fold(connection, read, derived, now, done)
            await swap(connection, schema, derived)
    log.info("projection.rebuilt", schema=schema, events=now)
    return Rebuilt(events=now)
