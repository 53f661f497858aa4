"""Rows of a batch of events: read, folded, written back, in the transaction of the consumer's checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.envelope import Event
from services.gc.rules.fold import ExportRow, MediaRow, PinRow, ProjectRow, ProxyRow, Row, Rows, fold, touched
from services.gc.sql import statement

NAME = "gc"
"""The consumer's durable name, and that of its checkpoint."""

SUBJECTS = ("evt.project.>", "evt.media.>", "evt.gc.>")

DERIVED = ("project", "export", "pin", "proxy", "tagged", "media", "media_use")
"""Tables that are emptied and derived again."""

_CLEAR: Final = statement("clear")
_PROJECTS: Final = statement("projects_by_id")
_EXPORTS: Final = statement("exports_by_id")
_MEDIA: Final = statement("media_by_id")
_PROXIES: Final = statement("proxies_at")
_PROXIES_OF: Final = statement("proxies_of")
_PINS_OF: Final = statement("pins_of")
_PUT_PROJECTS: Final = statement("put_projects")
_PUT_EXPORTS: Final = statement("put_exports")
_PUT_PINS: Final = statement("put_pins")
_PUT_PROXIES: Final = statement("put_proxies")
_PUT_TAGGED: Final = statement("put_tagged")
_PUT_MEDIA: Final = statement("put_media")
_ADD_USES: Final = statement("add_uses")
_ADD_MOVES: Final = statement("add_moves")

R = TypeVar("R", bound=Row)


async def apply(connection: AsyncConnection, batch: Sequence[Event]) -> None:
    """Brings the tables up to a batch of events, in the order of their positions. Raises LogInconsistent."""
    rows = await _load(connection, batch)
    before = Rows(
        dict(rows.projects), dict(rows.exports), dict(rows.pins), proxies=dict(rows.proxies), media=dict(rows.media)
    )  # fmt: skip
    for event in batch:
        fold(rows, event)
    await _store(connection, _PUT_PROJECTS, _changed(before.projects, rows.projects))
    await _store(connection, _PUT_EXPORTS, _changed(before.exports, rows.exports))
    await _store(connection, _PUT_PINS, _changed(before.pins, rows.pins))
    await _store(connection, _PUT_PROXIES, _changed(before.proxies, rows.proxies))
    await _store(connection, _PUT_TAGGED, list(rows.tagged.values()))
    await _store(connection, _PUT_MEDIA, _changed(before.media, rows.media))
    await _store(connection, _ADD_USES, list(rows.uses.values()))
    await _store(connection, _ADD_MOVES, list(rows.moves.values()))


async def clear(connection: AsyncConnection) -> None:
    """Empties what is derived from events, to be derived again from the first one. Moves stay: what was done is not
    done again."""
    await connection.execute(_CLEAR)


async def _load(connection: AsyncConnection, batch: Sequence[Event]) -> Rows:
    ids, rows = touched(batch), Rows()
    if ids.projects:
        rows.projects = {row.project_id: row for row in await read(connection, _PROJECTS, ProjectRow, ids.projects)}
    if ids.exports:
        rows.exports = {row.export_id: row for row in await read(connection, _EXPORTS, ExportRow, ids.exports)}
    if ids.media:
        rows.media = {row.media_id: row for row in await read(connection, _MEDIA, MediaRow, ids.media)}
    if ids.proxies:
        projects, versions = zip(*ids.proxies, strict=True)
        found = await connection.execute(_PROXIES, {"projects": list(projects), "versions": list(versions)})
        rows.proxies = {(row.project_id, row.version): ProxyRow(*row) for row in found}
    if ids.undone:
        proxies = await read(connection, _PROXIES_OF, ProxyRow, ids.undone)
        rows.proxies |= {(row.project_id, row.version): row for row in proxies}
        pins = await read(connection, _PINS_OF, PinRow, ids.undone)
        rows.pins = {(row.project_id, row.version, row.profile): row for row in pins}
    return rows


async def read(connection: AsyncConnection, statement: TextClause, row: type[R], ids: Collection[str]) -> list[R]:
    """What a statement gives for these ids, as the structs of `fold`, whose fields are its columns."""
    make: Callable[..., R] = row
    return [make(*each) for each in await connection.execute(statement, {"ids": list(ids)})]


def _changed(before: dict[Any, Any], after: dict[Any, Any]) -> list[Row]:
    return [row for key, row in after.items() if before.get(key) is not row]


async def _store(connection: AsyncConnection, statement: TextClause, rows: Collection[Row]) -> None:
    if rows:
        await connection.execute(statement, {"rows": msgspec.json.encode(rows).decode()})
