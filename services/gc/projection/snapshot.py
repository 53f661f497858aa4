"""The projection as the rules want it: projects with their exports and pins, at a position of the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus.tables import reached
from services.gc.projection.apply import NAME, read
from services.gc.rules.fold import ExportRow, PinRow, ProjectRow, ProxyRow, TaggedRow
from services.gc.rules.roots import Export, Media, Pin, Project, Proxy
from services.gc.sql import statement

PROJECTS_AT_ONCE: Final = 200
MEDIA_AT_ONCE: Final = 500

_PROJECTS: Final = statement("projects_page")
_PROJECTS_OF_EXPORTS: Final = statement("projects_of_exports")
_EXPORTS_OF: Final = statement("exports_of")
_PINS_OF: Final = statement("pins_of")
_PROXIES_OF: Final = statement("proxies_of")
_TAGGED_OF: Final = statement("tagged_of")
_MEDIA: Final = statement("media_page")
_USERS: Final = statement("media_users")


async def position(connection: AsyncConnection) -> int:
    """How far the projection has read the log; 0 before its first event."""
    return await reached(connection, NAME)


async def projects(connection: AsyncConnection, tenant: str, only: Collection[str] = ()) -> AsyncIterator[Project]:
    """All projects of a tenant, or only some, in the order of their ids, read a few at a time: memory stays flat."""
    values: dict[str, Any] = {"tenant": tenant, "only": list(only) or None, "limit": PROJECTS_AT_ONCE, "last": ""}
    while True:
        rows = [ProjectRow(*row) for row in await connection.execute(_PROJECTS, values)]
        if not rows:
            return
        for whole in await _whole(connection, rows):
            yield whole
        values["last"] = rows[-1].project_id


async def projects_of(
    connection: AsyncConnection, tenant: str, export_ids: Sequence[str]
) -> dict[str, tuple[Project, Export]]:
    """Exports of a tenant by their ids, each with its project; those that the tenant does not have are missing."""
    found = await connection.execute(_PROJECTS_OF_EXPORTS, {"tenant": tenant, "ids": list(export_ids)})
    rows = [ProjectRow(*row) for row in found]
    wanted = set(export_ids)
    return {
        each.export_id: (whole, each)
        for whole in await _whole(connection, rows)
        for each in whole.exports
        if each.export_id in wanted
    }


async def project_of(connection: AsyncConnection, tenant: str, export_id: str) -> Project | None:
    """The project that an export belongs to, or None if the tenant has no such export."""
    found = await projects_of(connection, tenant, [export_id])
    return found[export_id][0] if found else None


async def project(connection: AsyncConnection, tenant: str, project_id: str) -> Project | None:
    """A project of a tenant."""
    async for found in projects(connection, tenant, [project_id]):
        return found
    return None


async def media(
    connection: AsyncConnection,
    tenant: str,
    only: Collection[str] = (),
    *,
    after: tuple[datetime, str] | None = None,
) -> AsyncIterator[Media]:
    """All media of a tenant that were not deleted, or only some, the newest first, `after` the one that was uploaded
    then and has that id."""
    values: dict[str, Any] = {"tenant": tenant, "only": list(only) or None, "limit": MEDIA_AT_ONCE}
    uploaded_at, media_id = after or (None, "")
    while True:
        values |= {"uploaded_at": uploaded_at, "media_id": media_id}
        rows = (await connection.execute(_MEDIA, values)).mappings().all()
        if not rows:
            return
        users = await _users(connection, [row["media_id"] for row in rows])
        for row in rows:
            holding, left_at = users.get(row["media_id"], ((), None))
            yield msgspec.convert({**row, "users": holding, "left_at": left_at}, Media)
        uploaded_at, media_id = rows[-1]["uploaded_at"], rows[-1]["media_id"]


async def _users(connection: AsyncConnection, media_ids: list[str]) -> dict[str, tuple[tuple[str, ...], Any]]:
    """For each media: the projects that hold on to it, and when the last of the others was deleted."""
    rows = await connection.execute(_USERS, {"ids": media_ids})
    return {row.media_id: (tuple(row.holding), row.left_at) for row in rows}


async def _whole(connection: AsyncConnection, rows: list[ProjectRow]) -> list[Project]:
    ids = [row.project_id for row in rows]
    exports: defaultdict[str, list[Export]] = defaultdict(list)
    for e in await read(connection, _EXPORTS_OF, ExportRow, ids):
        exports[e.project_id].append(
            Export(e.export_id, e.version, e.profile, e.status, e.key, e.size, e.finished_at, e.home, e.archived_at)
        )
    pins: defaultdict[str, list[Pin]] = defaultdict(list)
    for pin in await read(connection, _PINS_OF, PinRow, ids):
        if pin.pinned:
            pins[pin.project_id].append(Pin(pin.version, pin.profile, pin.reason, pin.expires_at, pin.owner, pin.mode))
    tagged: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for tag in await read(connection, _TAGGED_OF, TaggedRow, ids):
        tagged[tag.project_id][tag.version] = tag.message
    proxies: defaultdict[str, list[Proxy]] = defaultdict(list)
    for proxy in await read(connection, _PROXIES_OF, ProxyRow, ids):
        if not proxy.deleted:
            proxies[proxy.project_id].append(Proxy(proxy.version, proxy.key, proxy.size, proxy.rendered_at))
    return [
        Project(
            row.project_id, tuple(exports[row.project_id]), tuple(pins[row.project_id]), row.deleted_at,
            tagged[row.project_id], tuple(proxies[row.project_id]),
        )
        for row in rows
    ]  # fmt: skip
