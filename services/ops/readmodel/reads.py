"""Queries on the read model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.answers.projects import Export, Imported, Origin, Pinned, Project, Version
from cutlog.contract.imports import ImportedVersion
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas
from cutlog.db.idempotency import Answer, Keyed, keep, recall
from services.ops.readmodel.derive import ALL_PROFILES
from services.ops.readmodel.sql import statement

#: Characters of JSON that are decoded in a few milliseconds.
_LONG: Final = 32 << 10

_SHOW_PROJECT: Final = statement("show_project")
_LIST_PROJECTS: Final = statement("list_projects")
_OWNER: Final = statement("owner")
_SHOW_VERSION: Final = statement("show_version")
_LIST_VERSIONS: Final = statement("list_versions")
_EXPORTS: Final = statement("exports")
_IMPORTED_VERSIONS: Final = statement("imported_versions")
_QUEUED_EXPORTS: Final = statement("queued_exports")
_STREAM_VERSION_AT: Final = statement("stream_version_at")
_FORKS: Final = statement("forks")
_EXPORTS_ELSEWHERE: Final = statement("exports_elsewhere")
_CANVAS: Final = msgspec.json.Decoder(Canvas)
_FPS: Final = msgspec.json.Decoder(Fps)
_IMPORTED: Final = msgspec.json.Decoder(Imported)
_IMPORTED_VERSION: Final = msgspec.json.Decoder(ImportedVersion)
_OPS: Final = msgspec.json.Decoder(list[dict[str, Any]])

Place = tuple[datetime, str]
"""Where a page ended: when the last item was made, and its id."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a project is."""

    tenant: str
    version: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version as stored; what its proxy is doing is not in the database."""

    version: int
    position: int
    duration: int
    digest: str
    fps: Fps
    proxy_key: str | None
    proxy_failed: str | None
    latest_proxy_version: int | None
    at: datetime
    actor: str
    message: str | None
    imported: bool
    """It came from another store."""
    undoes: list[int] | None
    gesture: str | None


class Reads:
    """Each call is one statement on a connection of the pool."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def project(self, tenant: str, project_id: str) -> Project | None:
        """A tenant's project, unless it is deleted."""
        rows = await self._rows(_SHOW_PROJECT, project_id, tenant)
        return _project(rows[0]) if rows else None

    async def projects(self, tenant: str, after: Place | None, limit: int) -> list[Project]:
        """A tenant's projects, newest first."""
        return [_project(row) for row in await self._rows(_LIST_PROJECTS, tenant, *(after or (None, None)), limit)]

    async def owner(self, project_id: str) -> Owner | None:
        """Whose a project is, deleted or not."""
        rows = await self._rows(_OWNER, project_id)
        return Owner(**rows[0]._mapping) if rows else None

    async def version(self, project_id: str, version: int) -> VersionRow | None:
        """One version."""
        rows = await self._rows(_SHOW_VERSION, project_id, version)
        return VersionRow(**{**rows[0]._mapping, "fps": _FPS.decode(rows[0].fps)}) if rows else None

    async def versions(self, project_id: str, first: int, last: int, limit: int) -> list[Version]:
        """Versions `first` to `last` with their ops, in order."""
        rows = await self._rows(_LIST_VERSIONS, project_id, first, last, limit)
        if sum(len(row.ops) for row in rows) < _LONG:
            return _versions(rows)
        return await asyncio.to_thread(_versions, rows)

    async def imported(self, project_id: str, first: int, last: int) -> dict[int, ImportedVersion]:
        """What came with those of the versions `first` to `last` whose ops could not all be translated."""
        rows = await self._rows(_IMPORTED_VERSIONS, project_id, first, last)
        return {row.version: _IMPORTED_VERSION.decode(row.imported) for row in rows}

    async def queued_exports(self, tenant: str) -> int:
        """How many exports of a tenant wait or are rendered."""
        async with self._engine.connect() as connection:
            found = await connection.exec_driver_sql(_QUEUED_EXPORTS, (tenant,))
            return int(found.scalar_one())

    async def exports(
        self,
        project_id: str,
        *,
        version: int | None = None,
        export_id: str | None = None,
        after: Place | None = None,
        limit: int = 200,
    ) -> list[Export]:
        """Exports of a project, newest first, as stored: without progress and links."""
        rows = await self._rows(_EXPORTS, project_id, version, export_id, *(after or (None, None)), limit)
        return [_export(row) for row in rows]

    async def forks(self, project_id: str) -> list[str]:
        """Projects that were forked from a project."""
        return [row.id for row in await self._rows(_FORKS, project_id)]

    async def exports_elsewhere(self, project_id: str, ids: Sequence[str]) -> list[str]:
        """Those of these exports that are another project's."""
        return [row.id for row in await self._rows(_EXPORTS_ELSEWHERE, project_id, list(ids))]

    async def stream_version_at(self, stream: str, position: int) -> int:
        """The version that a stream had at a position of the log; 0 before its first event."""
        rows = await self._rows(_STREAM_VERSION_AT, stream, position)
        return rows[0].version if rows else 0

    async def keep_answer(self, keyed: Keyed, answer: Answer) -> None:
        """Keeps the answer to a request for which nothing had to be appended, unless it has one already."""
        async with self._engine.begin() as connection:
            await keep(connection, keyed, answer)

    async def reserve(self, keyed: Keyed) -> bool:
        """Whether a key had not been used before; from now on it is. Raises KeyReusedError."""
        async with self._engine.begin() as connection:
            if await keep(connection, keyed, Answer(409, b"")):
                return True
            await recall(connection, keyed)
            return False

    async def _rows(self, sql: str, *arguments: Any) -> list[Row[Any]]:
        async with self._engine.connect() as connection:
            return list(await connection.exec_driver_sql(sql, arguments))


def _versions(rows: Sequence[Row[Any]]) -> list[Version]:
    return [
        Version(
            version=row.version, position=row.position, at=row.at, actor=row.actor, message=row.message,
            ops=_OPS.decode(row.ops), legacy=UNSET if row.why is None else _OPS.decode(row.legacy),
            why=UNSET if row.why is None else row.why,
            undoes=UNSET if row.undoes is None else tuple(row.undoes),
            gesture=UNSET if row.gesture is None else row.gesture,
        )
        for row in rows
    ]  # fmt: skip


def _project(row: Row[Any]) -> Project:
    return Project(
        id=row.id,
        name=row.name,
        canvas=_CANVAS.decode(row.canvas),
        current_version=row.version,
        duration=row.duration,
        latest_proxy_key=row.latest_proxy_key,
        latest_proxy_version=row.latest_proxy_version,
        latest_export_key=row.latest_export_key,
        latest_export_version=row.latest_export_version,
        origin=None
        if row.origin_project is None
        else Origin(project_id=row.origin_project, version=row.origin_version),
        imported=None if row.imported is None else _IMPORTED.decode(row.imported),
        metadata=None if row.metadata is None else msgspec.json.decode(row.metadata),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _export(row: Row[Any]) -> Export:
    pinned = row.pin_profile is not None
    one = None if row.pin_profile == ALL_PROFILES else row.pin_profile
    pin = None
    if pinned:
        pin = Pinned(
            profile=one, reason=row.pin_reason, expires_at=row.pin_expires_at, owner=row.pin_owner, mode=row.pin_mode
        )
    return Export(
        id=row.id,
        project_id=row.project,
        version=row.version,
        profile=row.profile,
        status=row.status,
        progress=0.0 if row.status in ("queued", "failed", "cancelled") else 1.0,
        key=row.key,
        size=row.size,
        sha256=row.sha256,
        pinned=pinned,
        pin=pin,
        archived=row.status == "archived",
        created_at=row.created_at,
        finished_at=row.finished_at,
        error=row.error,
        reproduced=row.reproduced,
        metadata=None if row.metadata is None else msgspec.json.decode(row.metadata),
    )
