"""One at a time among all processes of a service: an advisory lock on a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.db.failures import DATABASE_ERRORS

log = structlog.get_logger(__name__)


@asynccontextmanager
async def leadership(
    engine: AsyncEngine, name: str, stop: asyncio.Event, *, every: float = 1.0
) -> AsyncIterator[AsyncConnection | None]:
    """Waits until this process is the one that does `name`; gives the connection (in autocommit) that holds the lock.

    None when `stop` came first. The lock goes with the connection: who leads must be fenced by other means as well.
    Raises a database error when the database is away.
    """
    key = func.hashtextextended(name, 0)
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        while not (await connection.execute(select(func.pg_try_advisory_lock(key)))).scalar_one():
            if await stops_within(stop, every):
                yield None
                return
        log.info("leads", name=name)
        try:
            yield connection
        finally:
            try:
                await connection.execute(select(func.pg_advisory_unlock(key)))
            except DATABASE_ERRORS:
                await connection.invalidate()


async def stops_within(stop: asyncio.Event, seconds: float) -> bool:
    """Waits for `stop`, at most `seconds`; whether it is set."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
