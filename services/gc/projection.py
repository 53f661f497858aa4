"""Rows of a batch of events: read, folded, written back, in the transaction of the consumer's checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Table, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.envelope import Event
from services.gc import tables
from services.gc.fold import ExportRow, MediaRow, ProjectRow, ProxyRow, Row, Rows, fold, touched

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
    before = Rows(dict(rows.projects), dict(rows.exports), proxies=dict(rows.proxies), media=dict(rows.media))
    for event in batch:
        fold(rows, event)
    await _store(connection, tables.project, _changed(before.projects, rows.projects))
    await _store(connection, tables.export, _changed(before.exports, rows.exports))
    await _store(connection, tables.pin, _changed(before.pins, rows.pins))
    await _store(connection, tables.proxy, _changed(before.proxies, rows.proxies))
    await _store(connection, tables.tagged, rows.tagged.values())
    await _store(connection, tables.media, _changed(before.media, rows.media))
    for table, new in ((tables.media_use, rows.uses), (tables.move, rows.moves)):
        values = [msgspec.structs.asdict(row) for row in new.values()]
        if values:
            await connection.execute(insert(table).on_conflict_do_nothing(), values)


async def clear(connection: AsyncConnection) -> None:
    """Empties what is derived from events, to be derived again from the first one. Moves stay: what was done is not
    done again."""
    for table in DERIVED:
        await connection.execute(delete(table))


async def _load(connection: AsyncConnection, batch: Sequence[Event]) -> Rows:
    ids, rows = touched(batch), Rows()
    if ids.projects:
        projects = await read(connection, tables.project, ProjectRow, tables.project.c.project_id.in_(ids.projects))
        rows.projects = {row.project_id: row for row in projects}
    if ids.exports:
        exports = await read(connection, tables.export, ExportRow, tables.export.c.export_id.in_(ids.exports))
        rows.exports = {row.export_id: row for row in exports}
    if ids.media:
        media = await read(connection, tables.media, MediaRow, tables.media.c.media_id.in_(ids.media))
        rows.media = {row.media_id: row for row in media}
    if ids.proxies:
        place = tuple_(tables.proxy.c.project_id, tables.proxy.c.version)
        proxies = await read(connection, tables.proxy, ProxyRow, place.in_(ids.proxies))
        rows.proxies = {(row.project_id, row.version): row for row in proxies}
    return rows


async def read(connection: AsyncConnection, table: Table, row: type[R], where: ColumnElement[bool]) -> list[R]:
    """Rows of a table as the structs of `fold`."""
    found = await connection.execute(select(table).where(where))
    return [msgspec.convert(each, row) for each in found.mappings()]


def _changed(before: dict[Any, Any], after: dict[Any, Any]) -> list[Row]:
    return [row for key, row in after.items() if before.get(key) is not row]


async def _store(connection: AsyncConnection, table: Table, rows: Iterable[Row]) -> None:
    values = [msgspec.structs.asdict(row) for row in rows]
    if not values:
        return
    keys = _keys(table)
    statement = insert(table)
    changing = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    await connection.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changing), values)


def _keys(table: Table) -> tuple[str, ...]:
    return ("project_id", "version", "profile") if table is tables.pin else tuple(c.name for c in table.primary_key)
