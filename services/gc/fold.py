"""What the events say about projects, exports, pins and proxies, as rows. Pure: rows and an event in, rows out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

import msgspec

from cutlog.contract import events as e
from cutlog.contract.envelope import Event
from cutlog.contract.profiles import ExportProfile
from services.gc.roots import ExportStatus


class LogInconsistent(Exception):
    """An event speaks of a project or an export that no earlier event made."""


class ProjectRow(msgspec.Struct, frozen=True):
    project_id: str
    tenant: str
    name: str
    deleted_at: datetime | None = None


class ExportRow(msgspec.Struct, frozen=True):
    """`size` in bytes; `finished_at` is when the file was last rendered."""

    export_id: str
    project_id: str
    version: int
    profile: ExportProfile
    status: ExportStatus
    key: str | None = None
    size: int = 0
    sha256: str | None = None
    finished_at: datetime | None = None


class PinRow(msgspec.Struct, frozen=True):
    """A pin, or with `pinned` false what is left of one, so that an unpin is a change of a row like any other."""

    project_id: str
    version: int
    profile: ExportProfile | None
    pinned: bool
    reason: str | None = None
    expires_at: datetime | None = None


class ProxyRow(msgspec.Struct, frozen=True):
    """The proxy of a version; `size` in bytes."""

    project_id: str
    version: int
    key: str
    size: int


Row = ProjectRow | ExportRow | PinRow | ProxyRow
PinId = tuple[str, int, ExportProfile | None]
ProxyId = tuple[str, int]


@dataclass
class Rows:
    """Rows by their keys. `fold` is given the projects and exports that `touched` names, as they are stored, and leaves
    all rows as they should be."""

    projects: dict[str, ProjectRow] = field(default_factory=dict)
    exports: dict[str, ExportRow] = field(default_factory=dict)
    pins: dict[PinId, PinRow] = field(default_factory=dict)
    proxies: dict[ProxyId, ProxyRow] = field(default_factory=dict)


@dataclass(frozen=True)
class Touched:
    """Ids of the rows that a batch of events changes in part; others it only replaces."""

    projects: frozenset[str]
    exports: frozenset[str]


def touched(batch: Iterable[Event]) -> Touched:
    """What of the tables has to be at hand to fold a batch."""
    projects: set[str] = set()
    exports: set[str] = set()
    for event in batch:
        match event.data:
            case e.ProjectDeleted() | e.ProjectRestored():
                projects.add(event.entity)
            case (
                e.ExportRequested(export_id=export_id) | e.ExportRendered(export_id=export_id)
                | e.ExportFailed(export_id=export_id) | e.ExportCancelled(export_id=export_id)
                | e.ExportArchived(export_id=export_id) | e.ExportRestored(export_id=export_id)
                | e.ExportDeleted(export_id=export_id)
            ):  # fmt: skip
                exports.add(export_id)
            case e.ProjectImportUndone(export_ids=export_ids):
                projects.add(event.entity)
                exports.update(export_ids)
            case _:
                pass
    return Touched(frozenset(projects), frozenset(exports))


def fold(rows: Rows, event: Event) -> None:
    """Brings `rows` up to one event. Raises LogInconsistent."""
    project = event.entity
    match event.data:
        case e.ProjectCreated(name=name) | e.ProjectForked(name=name):
            rows.projects[project] = ProjectRow(project, event.tenant, name)
        case e.ProjectDeleted():
            _change(rows.projects, project, event, deleted_at=event.at)
        case e.ProjectRestored():
            _change(rows.projects, project, event, deleted_at=None)
        case e.ExportRequested(export_id=export_id, version=version, profile=profile):
            if export_id in rows.exports:
                _change(rows.exports, export_id, event, status="queued")
            else:
                rows.exports[export_id] = ExportRow(export_id, project, version, profile, "queued")
        case e.ExportRendered() as done:
            _change(rows.exports, done.export_id, event, status="ready", key=done.key, size=done.size,
                    sha256=done.sha256, finished_at=event.at)  # fmt: skip
        case e.ExportFailed(export_id=export_id):
            _change(rows.exports, export_id, event, status="failed")
        case e.ExportCancelled(export_id=export_id):
            _change(rows.exports, export_id, event, status="cancelled")
        case e.ExportArchived(export_id=export_id, key=key):
            _change(rows.exports, export_id, event, status="archived", key=key)
        case e.ExportRestored(export_id=export_id, key=key):
            _change(rows.exports, export_id, event, status="ready", key=key)
        case e.ExportDeleted(export_id=export_id):
            _change(rows.exports, export_id, event, status="deleted", key=None)
        case e.ExportPinned(version=version, profile=profile, reason=reason, expires_at=expires_at):
            rows.pins[project, version, profile] = PinRow(project, version, profile, True, reason, expires_at)
        case e.ExportUnpinned(version=version, profile=profile):
            rows.pins[project, version, profile] = PinRow(project, version, profile, False)
        case e.ProxyRendered(version=version, key=key, size=size):
            rows.proxies[project, version] = ProxyRow(project, version, key, size)
        case e.ProjectImported() as brought:
            for export in brought.exports:
                rows.exports[export.export_id] = ExportRow(
                    export.export_id, project, export.version, export.profile, export.status, export.key, export.size,
                    export.sha256, export.at or event.at,
                )  # fmt: skip
                if export.pinned:
                    pin = PinRow(project, export.version, export.profile, True, "imported")
                    rows.pins[project, export.version, export.profile] = pin
            for proxy in brought.proxies:
                rows.proxies[project, proxy.version] = ProxyRow(project, proxy.version, proxy.key, proxy.size)
        case e.ProjectImportUndone(export_ids=export_ids):
            for export_id in export_ids:
                _change(rows.exports, export_id, event, status="deleted", key=None)
            _change(rows.projects, project, event, deleted_at=event.at)
        case (
            e.VersionCommitted() | e.ProxyFailed() | e.MediaUploaded() | e.MediaDeduplicated() | e.MediaReady()
            | e.MediaFailed() | e.MediaReleased() | e.PlanCalculated() | e.PolicyChanged() | e.ProxyDeleted()
            | e.MediaArchived() | e.MediaRestored() | e.MediaDeleted()
        ):  # fmt: skip
            pass
        case unknown:
            assert_never(unknown)


def _change(rows: dict[str, Any], row_id: str, event: Event, /, **changes: object) -> None:
    known = rows.get(row_id)
    if known is None:
        raise LogInconsistent(f"{event.type} at position {event.position} speaks of {row_id}, which nothing made")
    rows[row_id] = msgspec.structs.replace(known, **changes)
