"""A database whose clock is a table: what depends on time is simulated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tests.support.database import Database

_MADE = (
    "CREATE SCHEMA fake",
    "CREATE TABLE fake.clock AS SELECT 0::float8 AS now",
    "CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
    "$$ SELECT timestamptz '2031-01-01 00:00Z' + make_interval(secs => now) FROM fake.clock $$",
)


@asynccontextmanager
async def timeless(database: Database, service: str) -> AsyncIterator[AsyncEngine]:
    """The tables of a service, as their owner; its clock stands still until it is `set_to` something."""
    url = database.owner_url.replace("postgresql:", "postgresql+asyncpg:", 1)
    owner = create_async_engine(url)
    async with owner.begin() as connection:
        for statement in _MADE:
            await connection.execute(text(statement))
    made = create_async_engine(url, connect_args={"server_settings": {"search_path": f"fake, pg_catalog, {service}"}})
    yield made
    await made.dispose()
    await owner.dispose()


async def set_to(connection: AsyncConnection, now: float) -> None:
    """Seconds since the beginning of the simulation."""
    await connection.execute(text("UPDATE fake.clock SET now = :now"), {"now": now})
