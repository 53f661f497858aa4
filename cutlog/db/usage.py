"""What tenants used: a row for each finished slice of work, and sums by hour and project, in the schema of the service
that did it.

A slice is counted once, whatever is killed. It is noted before it is begun. When its object is stored, the note becomes
a row and is added to the sum of its hour, in one statement; of a process that died between the two, `settle` does that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any, Final, TypeVar

import msgspec
import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.contract.usage import ProjectUse
from cutlog.db.failures import DATABASE_ERRORS, is_away
from cutlog.db.sql import statement

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Seconds between attempts while the database is unavailable.
AGAIN: Final = 0.5
#: Seconds after which a slice that was begun and is stored is counted although its worker has not said so.
LEFT: Final = 60.0

_BEGIN: Final = statement("usage_begin")
_DROP: Final = statement("usage_drop")
_END: Final = statement("usage_end")
_FORGET: Final = statement("usage_forget")
_HOUR: Final = statement("usage_hour")
_LEFT: Final = statement("usage_left")
_RECORD: Final = statement("usage_record")
_REPORTED: Final = statement("usage_reported")
_TOTALS: Final = statement("usage_totals")
_UNREPORTED: Final = statement("usage_unreported")
_USED: Final = statement("usage_used")


class Slice(msgspec.Struct, frozen=True):
    """A piece of work, named by the key of the object that it makes, and what it uses, by budget."""

    key: str
    amounts: Mapping[str, int]


class Meter:
    """Counts slices whose objects are not in the database. While that is unavailable, `now` and `begin` wait."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def now(self) -> datetime:
        """By the clock of the database; to be read before looking what is missing."""

        async def read() -> datetime:
            async with self._engine.connect() as connection:
                return await clock(connection)

        return await _patiently(read)

    async def begin(self, tenant: str, project_id: str, slices: Sequence[Slice], since: datetime) -> None:
        """Before slices are made that were missing at `since`."""
        values = (tenant, project_id, msgspec.json.encode(slices).decode(), since)

        async def write() -> None:
            async with self._engine.begin() as connection:
                await connection.exec_driver_sql(_BEGIN, values)

        await _patiently(write)

    async def end(self, tenant: str, keys: Sequence[str]) -> None:
        """When the objects of slices are stored. While the database is unavailable, that is left to `settle`."""
        try:
            async with self._engine.begin() as connection:
                await connection.exec_driver_sql(_END, (tenant, list(keys)))
        except DATABASE_ERRORS as error:
            if not is_away(error):
                raise
            log.warning("usage.left", tenant=tenant, slices=len(keys), why=repr(error))


async def clock(connection: AsyncConnection) -> datetime:
    """The time of the database."""
    found: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return found


def next_hour(now: datetime) -> datetime:
    """When hourly budgets are whole again."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


async def record(
    connection: AsyncConnection, tenant: str, project_id: str, key: str, amounts: Mapping[str, int]
) -> None:
    """Counts a slice in the transaction that says that it is finished; once per key."""
    values = (tenant, project_id, key, msgspec.json.encode(amounts).decode())
    await connection.exec_driver_sql(_RECORD, values)


async def settle(engine: AsyncEngine, stored: Callable[[str], Awaitable[bool]], seconds: float = LEFT) -> int:
    """Counts slices that were begun at least so many `seconds` ago and whose objects are stored, forgets those that
    were not made within a day, and rows of past months; how many were counted."""
    counted, after = 0, ("", "")
    while True:
        async with engine.connect() as connection:
            rows = (await connection.exec_driver_sql(_LEFT, (seconds, *after))).all()
        for row in rows:
            if await stored(row.key):
                async with engine.begin() as connection:
                    await connection.exec_driver_sql(_END, (row.tenant, [row.key]))
                counted += 1
            elif row.old:
                async with engine.begin() as connection:
                    await connection.exec_driver_sql(_DROP, (row.tenant, row.key))
        if not rows:
            break
        after = rows[-1].tenant, rows[-1].key
    async with engine.begin() as connection:
        await connection.exec_driver_sql(_FORGET)
    return counted


async def used(connection: AsyncConnection, tenant: str) -> dict[str, list[ProjectUse]]:
    """What projects of a tenant used this hour, day and month, by budget, those that used the most first."""
    found: dict[str, list[ProjectUse]] = {}
    for row in await connection.exec_driver_sql(_USED, (tenant,)):
        use = ProjectUse(project_id=row.project_id, hour=row.hour, day=row.day, month=row.month)
        found.setdefault(row.budget, []).append(use)
    return found


async def this_hour(connection: AsyncConnection, tenant: str) -> dict[str, int]:
    """What a tenant used this hour, by budget."""
    rows = await connection.exec_driver_sql(_HOUR, (tenant,))
    return {row.budget: row.amount for row in rows}


async def totals(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """(tenant, budget, hour, day, month) of all tenants."""
    return (await connection.exec_driver_sql(_TOTALS)).all()


async def unreported(connection: AsyncConnection) -> list[tuple[str, datetime]]:
    """Tenants and hours that are over and were not reported."""
    return [(row.tenant, row.hour) for row in await connection.exec_driver_sql(_UNREPORTED)]


async def reported(connection: AsyncConnection, tenant: str, hour: datetime) -> list[tuple[str, str, int]]:
    """(budget, project, amount) of an hour, which the caller reports in the same transaction."""
    rows = await connection.exec_driver_sql(_REPORTED, (tenant, hour))
    return sorted((row.budget, row.project_id, row.amount) for row in rows)


def create_usage(op: ModuleType, role: str) -> None:
    """For a service's migration, with `alembic.op`: makes the tables in the current schema, for the role to use."""
    op.execute("""
        CREATE TABLE slice_begun (
          tenant     text NOT NULL,
          key        text NOT NULL,
          project_id text NOT NULL,
          amounts    jsonb NOT NULL,
          begun_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
          PRIMARY KEY (tenant, key)
        )
    """)
    op.execute("""
        CREATE TABLE slice (
          tenant     text NOT NULL,
          key        text NOT NULL,
          number     int NOT NULL,
          project_id text NOT NULL,
          amounts    jsonb NOT NULL,
          at         timestamptz NOT NULL,
          PRIMARY KEY (tenant, key, number)
        )
    """)
    op.execute("CREATE INDEX slice_at ON slice (at)")
    op.execute("COMMENT ON COLUMN slice.number IS 'counts how often it was made, since an object may be deleted'")
    op.execute("""
        CREATE TABLE used (
          tenant     text NOT NULL,
          hour       timestamptz NOT NULL,
          project_id text NOT NULL,
          budget     text NOT NULL,
          amount     bigint NOT NULL,
          reported   boolean NOT NULL DEFAULT false,
          PRIMARY KEY (tenant, hour, project_id, budget)
        )
    """)
    op.execute("CREATE INDEX used_unreported ON used (hour) WHERE NOT reported")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON slice_begun, slice, used TO {role}")


def drop_usage(op: ModuleType) -> None:
    """Takes them back."""
    op.execute("DROP TABLE used, slice, slice_begun")


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await work()
        except DATABASE_ERRORS as error:
            if not is_away(error):
                raise
            await asyncio.sleep(AGAIN)
