"""Rows of a batch of events: read, folded, written back, in the transaction of the consumer's checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Column, ColumnElement, Table, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.envelope import Event
from cutlog.db.bulk import among, unnested
from services.gc import tables
from services.gc.rules.fold import ExportRow, MediaRow, PinRow, ProjectRow, ProxyRow, Row, Rows, fold, touched

NAME = "gc"
"""The consumer's durable name, and that of its checkpoint."""

SUBJECTS = ("evt.project.>", "evt.media.>", "evt.gc.>")

DERIVED = (
    tables.project, tables.export, tables.pin, tables.proxy, tables.tagged, tables.media, tables.media_use,
)  # fmt: skip

R = TypeVar("R", bound=Row)


async def apply(connection: AsyncConnection, batch: Sequence[Event]) -> None:
    """Brings the tables up to a batch of events, in the order of their positions. Raises LogInconsistent."""
    rows = await _load(connection, batch)
    before = Rows(
        dict(rows.projects), dict(rows.exports), dict(rows.pins), proxies=dict(rows.proxies), media=dict(rows.media)
    )  # fmt: skip
    for event in batch:
        fold(rows, event)
    await _store(connection, tables.project, _changed(before.projects, rows.projects))
    await _store(connection, tables.export, _changed(before.exports, rows.exports))
    await _store(connection, tables.pin, _changed(before.pins, rows.pins))
    await _store(connection, tables.proxy, _changed(before.proxies, rows.proxies))
    await _store(connection, tables.tagged, list(rows.tagged.values()))
    await _store(connection, tables.media, _changed(before.media, rows.media))
    await _store(connection, tables.media_use, list(rows.uses.values()), known=False)
    await _store(connection, tables.move, list(rows.moves.values()), known=False)


async def clear(connection: AsyncConnection) -> None:
    """Empties what is derived from events, to be derived again from the first one. Moves stay: what was done is not
    done again."""
    for table in DERIVED:
        await connection.execute(delete(table))


async def _load(connection: AsyncConnection, batch: Sequence[Event]) -> Rows:
    ids, rows = touched(batch), Rows()
    if ids.projects:
        where = among(tables.project.c.project_id, ids.projects)
        rows.projects = {row.project_id: row for row in await read(connection, tables.project, ProjectRow, where)}
    if ids.exports:
        where = among(tables.export.c.export_id, ids.exports)
        rows.exports = {row.export_id: row for row in await read(connection, tables.export, ExportRow, where)}
    if ids.media:
        where = among(tables.media.c.media_id, ids.media)
        rows.media = {row.media_id: row for row in await read(connection, tables.media, MediaRow, where)}
    if ids.proxies:
        place = tuple_(tables.proxy.c.project_id, tables.proxy.c.version)
        proxies = await read(connection, tables.proxy, ProxyRow, place.in_(ids.proxies))
        rows.proxies = {(row.project_id, row.version): row for row in proxies}
    if ids.undone:
        proxies = await read(connection, tables.proxy, ProxyRow, among(tables.proxy.c.project_id, ids.undone))
        rows.proxies |= {(row.project_id, row.version): row for row in proxies}
        pins = await read(connection, tables.pin, PinRow, among(tables.pin.c.project_id, ids.undone))
        rows.pins = {(row.project_id, row.version, row.profile): row for row in pins}
    return rows


async def read(connection: AsyncConnection, table: Table, row: type[R], where: ColumnElement[bool]) -> list[R]:
    """Rows of a table as the structs of `fold`."""
    found = await connection.execute(select(*_columns(table, row)).where(where))
    make: Callable[..., R] = row
    return [make(*each) for each in found]


def _changed(before: dict[Any, Any], after: dict[Any, Any]) -> list[Row]:
    return [row for key, row in after.items() if before.get(key) is not row]


async def _store(connection: AsyncConnection, table: Table, rows: Collection[Row], *, known: bool = True) -> None:
    """Writes rows in place of those with their keys, or, unless they may be `known`, only where there are none."""
    if not rows:
        return
    columns = _columns(table, type(next(iter(rows))))
    statement = insert(table).from_select(columns, unnested(columns, rows))
    if known:
        keys = _keys(table)
        changing = {column.key: statement.excluded[column.key] for column in columns if column.key not in keys}
        statement = statement.on_conflict_do_update(index_elements=list(keys), set_=changing)
    else:
        statement = statement.on_conflict_do_nothing()
    await connection.execute(statement)


def _columns(table: Table, row: type[msgspec.Struct]) -> list[Column[Any]]:
    """The columns that a struct has, in its order."""
    return [table.c[name] for name in row.__struct_fields__]


def _keys(table: Table) -> tuple[str, ...]:
    return ("project_id", "version", "profile") if table is tables.pin else tuple(c.name for c in table.primary_key)
