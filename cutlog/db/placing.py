"""One object of the store at a time: who writes it, and who deletes it because of the state that it was in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine


@asynccontextmanager
async def placing(engine: AsyncEngine, key: str) -> AsyncIterator[None]:
    """Keeps others who ask for the same `key` waiting, in whatever service. Ends with the connection."""
    async with engine.begin() as connection:
        await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", (f"object {key}",))
        yield
