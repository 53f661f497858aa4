"""The projection as the rules want it: projects with their exports and pins, at a position of the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus.tables import checkpoint
from services.gc import tables
from services.gc.projection.apply import NAME, read
from services.gc.rules.fold import ExportRow, PinRow, ProjectRow, ProxyRow, TaggedRow
from services.gc.rules.roots import Export, Media, Pin, Project, Proxy

PROJECTS_AT_ONCE: Final = 200
MEDIA_AT_ONCE: Final = 500


async def position(connection: AsyncConnection) -> int:
    """How far the projection has read the log; 0 before its first event."""
    found = await connection.scalar(select(checkpoint.c.position).where(checkpoint.c.name == NAME))
    return found or 0


async def projects(connection: AsyncConnection, tenant: str, only: Collection[str] = ()) -> AsyncIterator[Project]:
    """All projects of a tenant, or only some, in the order of their ids, read a few at a time: memory stays flat."""
    project, last = tables.project, ""
    while True:
        page = select(project).where(project.c.tenant == tenant, project.c.project_id > last)
        if only:
            page = page.where(project.c.project_id.in_(only))
        found = await connection.execute(page.order_by(project.c.project_id).limit(PROJECTS_AT_ONCE))
        rows = [msgspec.convert(row, ProjectRow) for row in found.mappings()]
        if not rows:
            return
        for whole in await _whole(connection, rows):
            yield whole
        last = rows[-1].project_id


async def projects_of(
    connection: AsyncConnection, tenant: str, export_ids: Sequence[str]
) -> dict[str, tuple[Project, Export]]:
    """Exports of a tenant by their ids, each with its project; those that the tenant does not have are missing."""
    export, project = tables.export, tables.project
    whose = select(project).join(export, export.c.project_id == project.c.project_id).distinct()
    found = await connection.execute(whose.where(export.c.export_id.in_(export_ids), project.c.tenant == tenant))
    rows = [msgspec.convert(row, ProjectRow) for row in found.mappings()]
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
    place = tables.media.c.uploaded_at, tables.media.c.media_id
    last = after
    while True:
        where = [tables.media.c.tenant == tenant, tables.media.c.status != "deleted"]
        if last is not None:
            where.append(tuple_(*place) < last)
        if only:
            where.append(tables.media.c.media_id.in_(only))
        page = select(tables.media).where(*where).order_by(*(each.desc() for each in place)).limit(MEDIA_AT_ONCE)
        rows = (await connection.execute(page)).mappings().all()
        if not rows:
            return
        users = await _users(connection, [row["media_id"] for row in rows])
        for row in rows:
            holding, left_at = users.get(row["media_id"], ((), None))
            values = {str(name): value for name, value in row.items()}
            yield msgspec.convert(values | {"users": holding, "left_at": left_at}, Media)
        last = rows[-1]["uploaded_at"], rows[-1]["media_id"]


async def _users(connection: AsyncConnection, media_ids: list[str]) -> dict[str, tuple[tuple[str, ...], Any]]:
    """For each media: the projects that hold on to it, and when the last of the others was deleted."""
    use, project, pin = tables.media_use, tables.project, tables.pin
    pinned = (
        select(1)
        .where(pin.c.project_id == project.c.project_id, pin.c.pinned)
        .where(or_(pin.c.expires_at.is_(None), pin.c.expires_at > func.now()))
        .exists()
    )
    holds: ColumnElement[bool] = or_(project.c.deleted_at.is_(None), pinned)
    wanted = (
        select(
            use.c.media_id,
            func.array_agg(use.c.project_id).filter(holds).label("holding"),
            func.max(project.c.deleted_at).label("left_at"),
        )
        .join(project, project.c.project_id == use.c.project_id)
        .where(use.c.media_id.in_(media_ids))
        .group_by(use.c.media_id)
    )
    return {row.media_id: (tuple(sorted(row.holding or ())), row.left_at) for row in await connection.execute(wanted)}


async def _whole(connection: AsyncConnection, rows: list[ProjectRow]) -> list[Project]:
    ids = [row.project_id for row in rows]
    exports: defaultdict[str, list[Export]] = defaultdict(list)
    for e in await read(connection, tables.export, ExportRow, tables.export.c.project_id.in_(ids)):
        exports[e.project_id].append(
            Export(e.export_id, e.version, e.profile, e.status, e.key, e.size, e.finished_at, e.home, e.archived_at)
        )
    pins: defaultdict[str, list[Pin]] = defaultdict(list)
    for pin in await read(connection, tables.pin, PinRow, tables.pin.c.project_id.in_(ids)):
        if pin.pinned:
            pins[pin.project_id].append(Pin(pin.version, pin.profile, pin.reason, pin.expires_at, pin.owner, pin.mode))
    tagged: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for tag in await read(connection, tables.tagged, TaggedRow, tables.tagged.c.project_id.in_(ids)):
        tagged[tag.project_id][tag.version] = tag.message
    proxies: defaultdict[str, list[Proxy]] = defaultdict(list)
    for proxy in await read(connection, tables.proxy, ProxyRow, tables.proxy.c.project_id.in_(ids)):
        if not proxy.deleted:
            proxies[proxy.project_id].append(Proxy(proxy.version, proxy.key, proxy.size, proxy.rendered_at))
    return [
        Project(
            row.project_id, tuple(exports[row.project_id]), tuple(pins[row.project_id]), row.deleted_at,
            tagged[row.project_id], tuple(proxies[row.project_id]),
        )
        for row in rows
    ]  # fmt: skip
