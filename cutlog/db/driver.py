"""The driver below a connection of SQLAlchemy, for what only it has: COPY, and cursors that cost little."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection


async def driver(connection: AsyncConnection) -> Any:
    """The connection of asyncpg, in the transaction of this one, which the driver would not begin by itself."""
    await connection.execute(select(1))
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None, "the connection is open"
    return raw
