"""A project as its events left it, and how each fact changes it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, NamedTuple, assert_never

import msgspec
from msgspec import UNSET

from cutlog.contract.events import (
    ExportArchived,
    ExportCancelled,
    ExportDeleted,
    ExportFailed,
    ExportPinned,
    ExportRendered,
    ExportRequested,
    ExportRestored,
    ExportUnpinned,
    PinMode,
    ProjectCreated,
    ProjectDeleted,
    ProjectEvent,
    ProjectForked,
    ProjectImported,
    ProjectImportUndone,
    ProjectRestored,
    ProxyDeleted,
    ProxyFailed,
    ProxyRendered,
    VersionCommitted,
)
from cutlog.contract.ops import Op
from cutlog.contract.profiles import EXPORTS, ExportProfile
from cutlog.contract.timeline import Canvas
from services.ops.edits.apply import apply_all
from services.ops.edits.persistent import PersistentMap
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import TRUSTED, Earlier, nothing_earlier

_replace = msgspec.structs.replace

ExportStatus = Literal["queued", "ready", "failed", "cancelled", "archived", "deleted"]


class ExportState(msgspec.Struct, frozen=True):
    """One export. `queued` until its renderer had the last word."""

    version: int
    profile: ExportProfile
    status: ExportStatus = "queued"


class Pin(msgspec.Struct, frozen=True):
    """Why exports are kept, and until when; for ever without `expires_at`. Only an admin lifts a `hold`."""

    reason: str | None = None
    expires_at: datetime | None = None
    mode: PinMode = "normal"

    def holds(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


class Import(msgspec.Struct, frozen=True):
    """Where an imported project came from: the store, the run that began it, and the last one that brought something
    of it. `kept_from` is the first version from which on the timeline stands still, since
    its ops could not be translated, `last` the newest one imported. Once
    `undone`, nothing of it is left but the name."""

    source: str
    begun_by: str
    run: str
    last: int = 0
    kept_from: int | None = None
    undone: bool = False


class ProjectState(msgspec.Struct, frozen=True):
    """A project as its events left it. `durations` are the frames of each version, by its number.

    `exports` are by id, `requested` names the export of a version and profile, `pins` are by version and profile.
    """

    tenant: str
    sequence: Sequence
    version: int = 0
    deleted: bool = False
    durations: PersistentMap[int] = msgspec.field(default_factory=PersistentMap)
    exports: PersistentMap[ExportState] = msgspec.field(default_factory=PersistentMap)
    requested: PersistentMap[str] = msgspec.field(default_factory=PersistentMap)
    pins: PersistentMap[Pin] = msgspec.field(default_factory=PersistentMap)
    imported: Import | None = None

    @property
    def undone(self) -> bool:
        """Whether it was imported and that was taken back: as if it had never been there."""
        return self.imported is not None and self.imported.undone


class Past(NamedTuple):
    """What a fact goes back to: the timeline that a fork starts from, and earlier versions of the project itself.

    `becomes` is the timeline that ops lead to, where whoever decided on them has it at hand: it is not made again.
    """

    origin: Sequence | None = None
    earlier: Earlier = nothing_earlier
    becomes: Sequence | None = None


NO_PAST: Final = Past()


IMPORTED: Final = "imported"
"""The reason of pins that came with an import."""


def initial_state() -> ProjectState | None:
    """There is no project yet."""
    return None


def version_and_profile(version: int, profile: ExportProfile | None) -> str:
    """The key of what is said of the exports of a version: of one profile, or of all."""
    return f"{version}/{profile or '*'}"


class _Committed(msgspec.Struct, frozen=True):
    # A struct, because msgspec remembers how to convert those.
    ops: tuple[Op, ...]


def committed_ops(event: VersionCommitted) -> tuple[Op, ...]:
    """The ops of a fact, typed. Raises msgspec.ValidationError for an op that this build does not know."""
    return msgspec.convert(event, _Committed, from_attributes=True).ops


def evolve(state: ProjectState | None, event: ProjectEvent, tenant: str, past: Past = NO_PAST) -> ProjectState:
    """The project after a fact. `tenant` is whose it is, from the event's envelope; `past` has what the fact goes back
    to. Raises on a fact that can't be."""
    if isinstance(event, ProjectImportUndone):
        nowhere = Import("", event.run, event.run, undone=True)
        return ProjectState(tenant, Sequence("", Canvas()), deleted=True, imported=nowhere)
    if isinstance(event, ProjectCreated):
        assert state is None or state.undone, "a project is created once"
        return ProjectState(tenant, Sequence(event.name, event.canvas))
    if isinstance(event, ProjectForked):
        assert state is None, "a project is forked once"
        assert past.origin is not None, "the log keeps every origin"
        sequence = _replace(past.origin, name=event.name)
        return ProjectState(tenant, sequence, durations=PersistentMap({"0": event.duration}))
    assert state is not None, "a project is created first"
    match event:
        case VersionCommitted(version=version, duration=duration):
            assert version == state.version + 1, "versions follow each other"
            becomes = past.becomes
            if becomes is None:
                becomes = apply_all(state.sequence, committed_ops(event), TRUSTED, past.earlier)
            durations = state.durations.set(str(version), duration)
            imported = _brought(state.imported, event)
            return _replace(state, sequence=becomes, version=version, durations=durations, imported=imported)
        case ExportRequested(export_id=export_id, version=version, profile=profile):
            exports = state.exports.set(export_id, ExportState(version, profile))
            requested = state.requested.set(version_and_profile(version, profile), export_id)
            return _replace(state, exports=exports, requested=requested)
        case ExportRendered(export_id=export_id):
            return _became(state, export_id, "ready")
        case ExportFailed(export_id=export_id):
            return _became(state, export_id, "failed")
        case ExportCancelled(export_id=export_id):
            return _became(state, export_id, "cancelled")
        case ExportArchived(export_id=export_id):
            return _became(state, export_id, "archived")
        case ExportRestored(export_id=export_id):
            return _became(state, export_id, "ready")
        case ExportDeleted(export_id=export_id):
            return _became(state, export_id, "deleted")
        case ExportPinned(version=version, profile=profile, reason=reason, expires_at=expires_at, mode=mode):
            pin = Pin(reason, expires_at, "normal" if mode is UNSET else mode)
            return _replace(state, pins=state.pins.set(version_and_profile(version, profile), pin))
        case ExportUnpinned(version=version, profile=profile):
            return _replace(state, pins=state.pins.drop(version_and_profile(version, profile)))
        case ProjectDeleted():
            return _replace(state, deleted=True)
        case ProjectRestored():
            return _replace(state, deleted=False)
        case ProxyRendered() | ProxyFailed() | ProxyDeleted():
            return state
        case ProjectImported():
            return _with_files(state, event)
        case _:
            assert_never(event)


def imported_pins(state: ProjectState, version: int) -> tuple[ExportProfile, ...]:
    """The profiles of a version whose pins came with an import."""
    pins = ((profile, state.pins.get(version_and_profile(version, profile))) for profile in EXPORTS)
    return tuple(profile for profile, pin in pins if pin is not None and pin.reason == IMPORTED)


def _became(state: ProjectState, export_id: str, status: ExportStatus) -> ProjectState:
    return _replace(state, exports=state.exports.set(export_id, _replace(state.exports[export_id], status=status)))


def _brought(before: Import | None, event: VersionCommitted) -> Import | None:
    if before is None or event.imported is UNSET:
        return before
    kept = before.kept_from
    if kept is None and event.imported.why is not None and not event.imported.live:
        kept = event.version
    return _replace(before, run=event.imported.run, last=event.version, kept_from=kept)


def _with_files(state: ProjectState, event: ProjectImported) -> ProjectState:
    before = state.imported
    imported = Import(event.source, event.run, event.run) if before is None else _replace(before, run=event.run)
    exports, requested, pins = state.exports, state.requested, state.pins
    for export in event.exports:
        exports = exports.set(export.export_id, ExportState(export.version, export.profile, export.status))
        if export.status == "ready":
            requested = requested.set(version_and_profile(export.version, export.profile), export.export_id)
        if export.pinned:
            pins = pins.set(version_and_profile(export.version, export.profile), Pin(IMPORTED))
    return _replace(state, imported=imported, exports=exports, requested=requested, pins=pins)
