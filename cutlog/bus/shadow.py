"""A fresh fold of the log beside the rows that a service derived: temporary tables of the same names stand before its
own, so the very code that derives the rows fills them, and nothing that is stored is touched.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus.projection import Apply, Wanted
from cutlog.bus.tables import checkpoint, reached
from cutlog.contract.envelope import RawEvent

PAGE: Final = 1000
SHOWN: Final = 20
"""Rows of a table at most that are told of one by one."""

Read = Callable[[int, int], Awaitable[Sequence[RawEvent]]]
"""(after, limit) → events of the log in order, at least one where there are any."""


@dataclass(frozen=True)
class Derived:
    """Rows that follow from events and from nothing else.

    `apply` fills `tables` from the events that `subjects` name, up to the checkpoint of that name, or to the end of the
    log. It may read the tables in `real`; all others of the schema it finds empty. What has no checkpoint names the
    statement `lock`: it gives the position, and nobody else changes the rows until the transaction ends.
    """

    tables: Sequence[str]
    apply: Apply
    lock: str | None = None
    checkpoint: str | None = None
    subjects: Sequence[str] = ("evt.>",)
    real: frozenset[str] = frozenset()


_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> 'alembic_version'"


async def hold(connection: AsyncConnection, derived: Derived) -> int:
    """Keeps others from changing the rows until the transaction ends; the position that they have come to."""
    if derived.lock is not None:
        return int((await connection.exec_driver_sql(derived.lock)).scalar_one())
    assert derived.checkpoint is not None, "it has a checkpoint, or names what is to be locked"
    return await reached(connection, derived.checkpoint, lock=True)


@asynccontextmanager
async def shadows(connection: AsyncConnection, schema: str, derived: Derived) -> AsyncIterator[None]:
    """Empty twins of the schema's tables, for as long as the context is open. Within a transaction."""
    names = [row[0] for row in await connection.exec_driver_sql(_TABLES, (schema,))]
    twins = sorted(set(names) - derived.real - {checkpoint.name})
    async with connection.begin_nested():
        await connection.exec_driver_sql(f'SET LOCAL search_path = pg_temp, "{schema}"')
        for name in twins:
            await connection.exec_driver_sql(
                f'CREATE TEMPORARY TABLE "{name}" (LIKE "{schema}"."{name}" INCLUDING ALL)'
            )
        yield
        for name in twins:
            await connection.exec_driver_sql(f'DROP TABLE pg_temp."{name}"')


async def fold(connection: AsyncConnection, read: Read, derived: Derived, until: int, after: int = 0) -> int:
    """Fills the twins from the events after `after` up to `until`; the position that was reached.

    Raises UnknownEventTypeError, ValidationError.
    """
    wanted, position = Wanted(derived.subjects), after
    while position < until:
        page = await read(position, min(PAGE, until - position))
        if not page:
            break
        await derived.apply(connection, [event.decode() for event in page if wanted(event)])
        position = page[-1].position
    return position


async def differences(connection: AsyncConnection, schema: str, table: str) -> AsyncIterator[tuple[str, str]]:
    """(`missing` or `extra`, the row as JSON): rows that a fresh fold has and the service lacks, or the reverse.
    A row that is wrong is one of each."""
    real, fresh = f'"{schema}"."{table}"', f'pg_temp."{table}"'
    for what, some, others in (("missing", fresh, real), ("extra", real, fresh)):
        query = f"SELECT to_jsonb(r)::text FROM (TABLE {some} EXCEPT ALL TABLE {others}) AS r LIMIT {SHOWN}"  # noqa: S608
        for row in await connection.exec_driver_sql(query):
            yield what, row[0]


async def size(connection: AsyncConnection, table: str) -> int:
    """How many rows a fresh fold has."""
    found = await connection.exec_driver_sql(f'SELECT count(*) FROM pg_temp."{table}"')  # noqa: S608 - our own names
    return int(found.scalar_one())


async def swap(connection: AsyncConnection, schema: str, derived: Derived) -> None:
    """The twins' rows in place of the service's; who reads sees either the old ones or the new ones."""
    for table in derived.tables:
        await connection.exec_driver_sql(f'DELETE FROM "{schema}"."{table}"')  # noqa: S608
    for table in reversed(derived.tables):
        await connection.exec_driver_sql(f'INSERT INTO "{schema}"."{table}" TABLE pg_temp."{table}"')
