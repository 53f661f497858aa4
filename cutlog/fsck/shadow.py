"""A fresh fold of the log beside the rows that a service derived: temporary tables of the same names stand before its
own, so the very code that derives the rows fills them, and nothing that is stored is touched.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus.projection import Wanted
from cutlog.fsck.proof import Derived, Proof

PAGE: Final = 1000
SHOWN: Final = 20
"""Rows of a table at most that are told of one by one."""

_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> 'alembic_version'"


@asynccontextmanager
async def shadows(connection: AsyncConnection, schema: str, derived: Derived) -> AsyncIterator[None]:
    """Empty twins of the schema's tables, for as long as the context is open. Within a transaction."""
    names = [row[0] for row in await connection.exec_driver_sql(_TABLES, (schema,))]
    twins = sorted(set(names) - derived.real)
    async with connection.begin_nested():
        await connection.exec_driver_sql(f'SET LOCAL search_path = pg_temp, "{schema}"')
        for name in twins:
            await connection.exec_driver_sql(
                f'CREATE TEMPORARY TABLE "{name}" (LIKE "{schema}"."{name}" INCLUDING ALL)'
            )
        yield
        for name in twins:
            await connection.exec_driver_sql(f'DROP TABLE pg_temp."{name}"')


async def fold(connection: AsyncConnection, log: Proof, log_schema: str, derived: Derived, until: int) -> int:
    """Fills the twins from events 1 to `until`; how many there were. Raises UnknownEventTypeError, ValidationError."""
    assert log.events is not None, "somebody keeps the log"
    wanted, position = Wanted(derived.subjects), 0
    path = (await connection.exec_driver_sql("SHOW search_path")).scalar_one()
    while position < until:
        await connection.exec_driver_sql(f'SET LOCAL search_path = "{log_schema}"')
        page = await log.events(connection, position, min(PAGE, until - position))
        await connection.exec_driver_sql(f"SET LOCAL search_path = {path}")
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
