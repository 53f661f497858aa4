"""What of the read model the old backend's rows are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.profiles import ExportProfile
from cutlog.contract.timeline import Canvas
from services.ops.compat.rows import Operation, ProjectRow
from services.ops.legacy.wording import operation_id, shown
from services.ops.readmodel.derive import ALL_PROFILES
from services.ops.readmodel.sql import statement

_PROJECTS: Final = statement("compat_projects")
_COUNT: Final = statement("compat_count_projects")
_OPERATIONS: Final = statement("compat_operations")
_EXPORTS: Final = statement("compat_exports")
_ARCHIVED: Final = statement("compat_archived")
_NAMED: Final = statement("compat_project_named")
_OPS: Final = msgspec.json.Decoder(list[dict[str, Any]])
_METADATA: Final = msgspec.json.Decoder(dict[str, Any])
_CANVAS: Final = msgspec.json.Decoder(Canvas)


class Found(msgspec.Struct, frozen=True):
    """A project as a row; `metadata` is what its frontend said of it, `brought`: it came from another store."""

    row: ProjectRow
    metadata: dict[str, Any]
    brought: bool

    @property
    def body(self) -> dict[str, Any]:
        """The row with what else was said of it."""
        row: dict[str, Any] = msgspec.to_builtins(self.row)
        return self.metadata | row


@dataclass(frozen=True)
class Exported:
    """An export that has a file; `pins` are the profiles that pins of it name, None for all. `metadata` is what the
    store that it came from said of it."""

    id: str
    version: int
    profile: ExportProfile
    status: str
    key: str
    size: int
    created_at: datetime
    duration: int
    canvas: Canvas
    pins: tuple[ExportProfile | None, ...]
    metadata: dict[str, Any]


class OldRows:
    """Each call is one statement, or two, on a connection of the pool."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def project(self, tenant: str, project_id: str) -> Found | None:
        """A tenant's project, unless it is deleted."""
        rows = await self._rows(_PROJECTS, tenant, project_id, None, None, 1, 0)
        return _found(rows[0]) if rows else None

    async def projects(
        self, tenant: str, search: str | None, status: str | None, limit: int, skipped: int
    ) -> tuple[list[Found], int]:
        """A page of a tenant's projects, and how many there are."""
        total = (await self._rows(_COUNT, tenant, search or None, status or None))[0][0]
        rows = await self._rows(_PROJECTS, tenant, None, search or None, status or None, limit, skipped)
        return [_found(row) for row in rows], total

    async def operations(self, project_id: str, first: int, last: int, limit: int) -> list[Operation]:
        """Versions `first` to `last`, in order, in the words in which they were sent."""
        return [_operation(project_id, row) for row in await self._rows(_OPERATIONS, project_id, first, last, limit)]

    async def exports(self, project_id: str, version: int | None = None) -> list[Exported]:
        """Exports that have a file, newest first."""
        return [_exported(row) for row in await self._rows(_EXPORTS, project_id, version)]

    async def archived(self, tenant: str, export_id: str) -> str | None:
        """The key of a tenant's export in the archive."""
        rows = await self._rows(_ARCHIVED, tenant, export_id)
        return rows[0].key if rows else None

    async def named(self, tenant: str, project: str) -> tuple[str, bool] | None:
        """The id of a project of a tenant, by that or by its id in another store; and whether it came from one."""
        rows = await self._rows(_NAMED, tenant, project)
        return (rows[0].id, rows[0].brought) if rows else None

    async def _rows(self, sql: str, *arguments: Any) -> list[Row[Any]]:
        async with self._engine.connect() as connection:
            return list(await connection.exec_driver_sql(sql, arguments))


def settings_of(metadata: Mapping[str, Any], canvas: Canvas) -> dict[str, Any]:
    """What a frontend said of the canvas, or what there is to say of it."""
    said = metadata.get("settings")
    if isinstance(said, dict) and said:
        return said
    fps = round(float(canvas.fps.fraction), 3)
    return {"resolution": f"{canvas.width}x{canvas.height}", "fps": int(fps) if fps.is_integer() else fps}


def maker(metadata: Mapping[str, Any]) -> str | None:
    """Who made a project in the store that it came from."""
    said = metadata.get("userId", metadata.get("ownerId"))
    return said if isinstance(said, str) else None


def status_of(metadata: Mapping[str, Any]) -> str:
    """The status that a frontend gave a project."""
    said = metadata.get("status")
    return said if isinstance(said, str) else "draft"


def _found(row: Row[Any]) -> Found:
    metadata = {} if row.metadata is None else _METADATA.decode(row.metadata)
    said = metadata.get("videoId")
    return Found(
        row=ProjectRow(
            old_id=row.id, id=row.id, name=row.name, title=row.name,
            user_id=maker(metadata) if row.brought else row.actor,
            video_id=said if isinstance(said, str) else row.film, description=str(metadata.get("description") or ""),
            settings=settings_of(metadata, _CANVAS.decode(row.canvas)), status=status_of(metadata),
            current_version=row.version,
            latest_proxy_key=row.latest_proxy_key, latest_export_key=row.latest_export_key,
            created_at=row.created_at, updated_at=row.updated_at,
        ),
        metadata=metadata,
        brought=row.brought,
    )  # fmt: skip


def _operation(project_id: str, row: Row[Any]) -> Operation:
    if row.written is not None:
        ops = _OPS.decode(row.written)
    else:
        ops = [*shown(_OPS.decode(row.ops), row.version), *([] if row.legacy is None else _OPS.decode(row.legacy))]
    return Operation(id=operation_id(project_id, row.version), version=row.version, ops=ops, created_at=row.at)


def _exported(row: Row[Any]) -> Exported:
    return Exported(
        id=row.id, version=row.version, profile=row.profile, status=row.status, key=row.key, size=row.size or 0,
        created_at=row.created_at, duration=row.duration or 0, canvas=_CANVAS.decode(row.canvas),
        pins=tuple(None if pin == ALL_PROFILES else pin for pin in row.pins),
        metadata={} if row.metadata is None else _METADATA.decode(row.metadata),
    )  # fmt: skip
