"""The read model made anew from the log, as an operator may ask for after a doubt."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.ops.log.read import LogReader
from services.ops.readmodel.derive import derive
from services.ops.readmodel.sql import statement

PAGE: Final = 1000
_CLEAR: Final = statement("clear")
_LOCK: Final = statement("hold_appends")


async def rebuild(engine: AsyncEngine, reader: LogReader) -> int:
    """Derives all rows again, in one transaction for which appends wait; the number of events. Snapshots stay: they
    hold what a fold gives. Raises on a fact that this build does not know, and then nothing has changed."""
    position = 0
    async with engine.begin() as connection:
        await connection.exec_driver_sql(_LOCK)
        await connection.exec_driver_sql(_CLEAR)
        while events := await reader.read(position, PAGE):
            await derive(connection, [event.decode() for event in events])
            position = events[-1].position
    return position
