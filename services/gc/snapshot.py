"""The projection as the rules want it: projects with their exports and pins, at a position of the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus.tables import checkpoint
from services.gc import tables
from services.gc.fold import ExportRow, PinRow, ProjectRow
from services.gc.projection import NAME, read
from services.gc.roots import Export, Pin, Project

PROJECTS_AT_ONCE: Final = 200


async def position(connection: AsyncConnection) -> int:
    """How far the projection has read the log; 0 before its first event."""
    found = await connection.scalar(select(checkpoint.c.position).where(checkpoint.c.name == NAME))
    return found or 0


async def projects(connection: AsyncConnection, tenant: str) -> AsyncIterator[Project]:
    """All projects of a tenant in the order of their ids, read a few at a time, so that memory stays flat."""
    project, last = tables.project, ""
    while True:
        page = select(project).where(project.c.tenant == tenant, project.c.project_id > last)
        found = await connection.execute(page.order_by(project.c.project_id).limit(PROJECTS_AT_ONCE))
        rows = [msgspec.convert(row, ProjectRow) for row in found.mappings()]
        if not rows:
            return
        for whole in await _whole(connection, rows):
            yield whole
        last = rows[-1].project_id


async def project_of(connection: AsyncConnection, tenant: str, export_id: str) -> Project | None:
    """The project that an export belongs to, or None if the tenant has no such export."""
    export, project = tables.export, tables.project
    whose = select(project).join(export, export.c.project_id == project.c.project_id)
    found = await connection.execute(whose.where(export.c.export_id == export_id, project.c.tenant == tenant))
    row = found.mappings().one_or_none()
    return None if row is None else (await _whole(connection, [msgspec.convert(row, ProjectRow)]))[0]


async def _whole(connection: AsyncConnection, rows: list[ProjectRow]) -> list[Project]:
    ids = [row.project_id for row in rows]
    exports: defaultdict[str, list[Export]] = defaultdict(list)
    for e in await read(connection, tables.export, ExportRow, tables.export.c.project_id.in_(ids)):
        exports[e.project_id].append(Export(e.export_id, e.version, e.profile, e.status, e.key, e.size, e.finished_at))
    pins: defaultdict[str, list[Pin]] = defaultdict(list)
    for pin in await read(connection, tables.pin, PinRow, tables.pin.c.project_id.in_(ids)):
        if pin.pinned:
            pins[pin.project_id].append(Pin(pin.version, pin.profile, pin.reason, pin.expires_at))
    return [
        Project(row.project_id, tuple(exports[row.project_id]), tuple(pins[row.project_id]), row.deleted_at)
        for row in rows
    ]
