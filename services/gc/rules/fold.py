"""What the events say about projects, exports, pins and proxies, as rows. Pure: rows and an event in, rows out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, assert_never

import msgspec

from cutlog.contract import events as e
from cutlog.contract.envelope import Event
from cutlog.contract.keys import Content, revision_of
from cutlog.contract.profiles import ExportProfile
from services.gc.errors import GcError
from services.gc.rules.roots import ExportStatus, MediaStatus


class LogInconsistentError(GcError):
    """An event speaks of a project, an export or a media that no earlier event made."""


class ProjectRow(msgspec.Struct, frozen=True):
    project_id: str
    tenant: str
    name: str
    deleted_at: datetime | None = None
    version: int = 0


class ExportRow(msgspec.Struct, frozen=True):
    """`size` in bytes; `finished_at` is when the file was last rendered. `home` is where it was rendered to, `archive`
    where it lies since `archived_at`; both, while it is rendered again."""

    export_id: str
    project_id: str
    version: int
    profile: ExportProfile
    status: ExportStatus
    key: str | None = None
    size: int = 0
    sha256: str | None = None
    finished_at: datetime | None = None
    home: str | None = None
    archive: str | None = None
    archived_at: datetime | None = None
    frames: int = 0
    encoded: int = 0


class PinRow(msgspec.Struct, frozen=True):
    """A pin, or with `pinned` false what is left of one, so that an unpin is a change of a row like any other."""

    project_id: str
    version: int
    profile: ExportProfile | None
    pinned: bool
    reason: str | None = None
    expires_at: datetime | None = None
    owner: str | None = None
    mode: e.PinMode = "normal"


class ProxyRow(msgspec.Struct, frozen=True):
    """The proxy of a version; `size` in bytes. One that was `folded` is deleted, and its recipe is there."""

    project_id: str
    version: int
    key: str
    size: int
    rendered_at: datetime
    deleted: bool = False
    frames: int = 0
    encoded: int = 0
    folded: bool = False


class TaggedRow(msgspec.Struct, frozen=True):
    """A version that somebody gave a message."""

    project_id: str
    version: int
    message: str


class MediaRow(msgspec.Struct, frozen=True):
    """A media, its original of `size` bytes at `key` and what was made from it, `derived` bytes. `home` is where the
    original belongs; `touched_at` is when it was last uploaded or let go."""

    media_id: str
    tenant: str
    name: str
    sha256: str
    size: int
    key: str
    home: str
    generation: int
    ref_count: int
    uploaded_at: datetime
    touched_at: datetime
    status: MediaStatus = "ready"
    derived: int = 0
    archived_at: datetime | None = None
    revision: int = 0
    revised_at: datetime | None = None


class UseRow(msgspec.Struct, frozen=True):
    """Some version of a project uses a media."""

    media_id: str
    project_id: str


class MoveRow(msgspec.Struct, frozen=True):
    """What is to be done with a file because of the event at `position`. `move` takes it from `source` to `target`,
    `delete` removes it and what lies in `folder`, but if a `state` is said, only a file that is in that; `settle`
    brings it to `target` unless there is one already."""

    intent: str
    position: int
    class_: str = msgspec.field(name="class")
    object_id: str
    tenant: str
    project_id: str | None
    action: Literal["move", "delete", "settle"]
    source: str
    target: str | None
    folder: str | None
    actor: str
    at: datetime
    state: str | None = None


Row = ProjectRow | ExportRow | PinRow | ProxyRow | TaggedRow | MediaRow | UseRow | MoveRow
PinId = tuple[str, int, ExportProfile | None]
ProxyId = tuple[str, int]


@dataclass
class Rows:
    """Rows by their keys. `fold` is given the rows that `touched` names, as they are stored, and leaves all rows as
    they should be."""

    projects: dict[str, ProjectRow] = field(default_factory=dict)
    exports: dict[str, ExportRow] = field(default_factory=dict)
    pins: dict[PinId, PinRow] = field(default_factory=dict)
    proxies: dict[ProxyId, ProxyRow] = field(default_factory=dict)
    tagged: dict[ProxyId, TaggedRow] = field(default_factory=dict)
    media: dict[str, MediaRow] = field(default_factory=dict)
    uses: dict[tuple[str, str], UseRow] = field(default_factory=dict)
    moves: dict[str, MoveRow] = field(default_factory=dict)


@dataclass(frozen=True)
class Touched:
    """Ids of the rows that a batch of events changes in part; others it only replaces. Of projects that are `undone`,
    all proxies and pins."""

    projects: frozenset[str] = frozenset()
    exports: frozenset[str] = frozenset()
    media: frozenset[str] = frozenset()
    proxies: frozenset[ProxyId] = frozenset()
    undone: frozenset[str] = frozenset()


def touched(batch: Iterable[Event]) -> Touched:
    """What of the tables has to be at hand to fold a batch."""
    projects: set[str] = set()
    exports: set[str] = set()
    media: set[str] = set()
    proxies: set[ProxyId] = set()
    undone: set[str] = set()
    for event in batch:
        match event.data:
            case e.ProjectDeleted() | e.ProjectRestored() | e.VersionCommitted():
                projects.add(event.entity)
            case e.ProxyDeleted(version=version):
                proxies.add((event.entity, version))
            case (
                e.MediaUploaded() | e.MediaDeduplicated() | e.MediaReady() | e.MediaReleased()
                | e.MediaArchived() | e.MediaRestored() | e.MediaDeleted()
            ):  # fmt: skip
                media.add(event.entity)
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
                undone.add(event.entity)
            case _:
                pass
    return Touched(
        frozenset(projects), frozenset(exports), frozenset(media), frozenset(proxies), frozenset(undone)
    )  # fmt: skip


def fold(rows: Rows, event: Event) -> None:
    """Brings `rows` up to one event. Raises LogInconsistentError."""
    project = event.entity
    match event.data:
        case e.ProjectCreated(name=name, media_added=media) | e.ProjectForked(name=name, media_added=media):
            rows.projects[project] = ProjectRow(project, event.tenant, name)
            _used(rows, project, media)
        case e.VersionCommitted(version=version, message=message, media_added=media):
            _change(rows.projects, project, event, version=version)
            if message is not None:
                rows.tagged[project, version] = TaggedRow(project, version, message)
            _used(rows, project, media)
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
            before = _change(
                rows.exports, done.export_id, event, status="ready", key=done.key, home=done.key, size=done.size,
                sha256=done.sha256, finished_at=event.at, archive=None, archived_at=None, frames=done.frames,
                encoded=done.encoded,
            )  # fmt: skip
            if before.archive is not None and event.at >= before.archived_at:
                _send(rows, event, "export", done.export_id, "settle", before.archive, done.key)
        case e.ExportFailed(export_id=export_id):
            _change(rows.exports, export_id, event, status="failed")
        case e.ExportCancelled(export_id=export_id):
            _change(rows.exports, export_id, event, status="cancelled")
        case e.ExportArchived(export_id=export_id, key=key):
            changes = {"status": "archived", "key": key, "archive": key, "archived_at": event.at}
            before = _change(rows.exports, export_id, event, **changes)
            if before.home is not None and before.home != key:
                _send(rows, event, "export", export_id, "move", before.home, key)
        case e.ExportRestored(export_id=export_id, key=key):
            changes = {"status": "ready", "key": key, "home": key, "archive": None, "archived_at": None}
            before = _change(rows.exports, export_id, event, **changes)
            if before.key is not None and before.key != key:
                _send(rows, event, "export", export_id, "move", before.key, key)
        case e.ExportDeleted(export_id=export_id):
            changes = {"status": "deleted", "key": None, "archive": None, "archived_at": None}
            before = _change(rows.exports, export_id, event, **changes)
            if before.archive is not None:
                _send(rows, event, "export", export_id, "delete", before.archive)
        case e.ExportPinned() as pin:
            rows.pins[project, pin.version, pin.profile] = PinRow(
                project, pin.version, pin.profile, True, pin.reason, pin.expires_at, event.actor,
                "normal" if pin.mode is msgspec.UNSET else pin.mode,
            )  # fmt: skip
        case e.ExportUnpinned(version=version, profile=profile):
            rows.pins[project, version, profile] = PinRow(project, version, profile, False)
        case e.ProxyRendered() as done:
            rows.proxies[project, done.version] = ProxyRow(
                project, done.version, done.key, done.size, event.at, frames=done.frames, encoded=done.encoded
            )
        case e.ProxyDeleted(version=version, key=key, folded=folded):
            known = rows.proxies.get((project, version))
            if known is not None and known.key == key:
                state = None if folded is msgspec.UNSET else folded
                gone = msgspec.structs.replace(known, deleted=True, folded=state is not None)
                rows.proxies[project, version] = gone
                _send(rows, event, "proxy", f"proxy:{project}:{version}", "delete", key, state=state)
        case e.ProjectImported() as brought:
            for export in brought.exports:
                at, archived = export.at or event.at, export.status == "archived"
                rows.exports[export.export_id] = ExportRow(
                    export.export_id, project, export.version, export.profile, export.status, export.key, export.size,
                    export.sha256, at, home=export.key, archive=export.key if archived else None,
                    archived_at=at if archived else None,
                )  # fmt: skip
                if export.pinned:
                    row = PinRow(project, export.version, export.profile, True, "imported", owner=event.actor)
                    rows.pins[project, export.version, export.profile] = row
            for proxy in brought.proxies:
                row_ = ProxyRow(project, proxy.version, proxy.key, proxy.size, event.at)
                rows.proxies[project, proxy.version] = row_
        case e.ProjectImportUndone(export_ids=export_ids):
            for export_id in export_ids:
                _change(rows.exports, export_id, event, status="deleted", key=None, archive=None, archived_at=None)
            for place in [place for place in rows.proxies if place[0] == project]:
                rows.proxies[place] = msgspec.structs.replace(rows.proxies[place], deleted=True)
            for pin_id in [pin_id for pin_id in rows.pins if pin_id[0] == project]:
                rows.pins[pin_id] = PinRow(*pin_id, False)
            _change(rows.projects, project, event, deleted_at=event.at)
        case e.ProxyFailed() | e.PlanCalculated() | e.PolicyChanged() | e.MediaFailed() | e.UsageRecorded():
            pass
        case e.MediaUploaded():
            _uploaded(rows, event, event.data)
        case e.MediaDeduplicated(ref_count=count) | e.MediaReleased(ref_count=count):
            _change(rows.media, event.entity, event, ref_count=count, touched_at=event.at)
        case e.MediaReady(renditions=made):
            files = [file for _, file in made.files()]
            revision = max((revision_of(file.key) for file in files), default=0)
            _change(
                rows.media, event.entity, event, derived=sum(file.size for file in files), revision=revision,
                revised_at=event.at if revision else None,
            )  # fmt: skip
        case e.MediaArchived(key=key):
            before = _change(rows.media, event.entity, event, status="archived", key=key, archived_at=event.at)
            _send(rows, event, "video", event.entity, "move", before.home, key)
        case e.MediaRestored(key=key):
            before = _change(rows.media, event.entity, event, status="ready", key=key, archived_at=None,
                             touched_at=event.at)  # fmt: skip
            _send(rows, event, "video", event.entity, "move", before.key, key)
        case e.MediaDeleted():
            before = _change(rows.media, event.entity, event, status="deleted", archived_at=None, derived=0)
            made_in = Content(before.tenant, before.sha256, before.generation).folder
            _send(rows, event, "video", event.entity, "delete", before.key, folder=made_in)
        case unknown:
            assert_never(unknown)


def _uploaded(rows: Rows, event: Event, data: e.MediaUploaded) -> None:
    rows.media[event.entity] = MediaRow(
        event.entity, event.tenant, data.name, data.sha256, data.size, data.key, data.key, data.generation,
        data.ref_count, event.at, event.at,
    )  # fmt: skip


def _used(rows: Rows, project: str, media: Iterable[str]) -> None:
    for media_id in media:
        rows.uses[media_id, project] = UseRow(media_id, project)


def _send(
    rows: Rows, event: Event, class_: str, object_id: str, action: Literal["move", "delete", "settle"], source: str,
    target: str | None = None, *, folder: str | None = None, state: str | None = None,
) -> None:  # fmt: skip
    """A file goes where the event says."""
    project = event.entity if event.stream.startswith("project.") else None
    intent = f"event {event.position}"
    rows.moves[intent] = MoveRow(
        intent, event.position, class_, object_id, event.tenant, project, action, source, target, folder,
        event.actor, event.at, state,
    )  # fmt: skip


def _change(rows: dict[str, Any], row_id: str, event: Event, /, **changes: object) -> Any:
    """Changes a row; what it was before."""
    known = rows.get(row_id)
    if known is None:
        raise LogInconsistentError(f"{event.type} at position {event.position} speaks of {row_id}, which nothing made")
    rows[row_id] = msgspec.structs.replace(known, **changes)
    return known
