"""Moving in: versions of another store become versions here, its files exports and proxies; or all of it goes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.events import (
    ProjectCreated,
    ProjectEvent,
    ProjectImported,
    ProjectImportUndone,
    VersionCommitted,
)
from cutlog.contract.imports import ImportedExport, ImportedProxy, ImportedVersion
from cutlog.contract.legacy import Conventions
from cutlog.contract.timeline import Canvas
from services.ops.decide.project_state import ProjectState
from services.ops.decide.refusals import NotFoundError, NotImportedError, RefusedError
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Sources
from services.ops.legacy.reading import UntranslatableError
from services.ops.legacy.translate import VersionUntranslatableError, opened_with, translated, unknown
from services.ops.timeline.resolve import Sha256s, digest

_EARLIER: Final = "an earlier version of the project could not be translated"
LARGEST: Final = 4 << 20
"""Bytes of legacy ops that an event holds."""


class EditedSinceError(RefusedError):
    """The project was edited here since it was imported."""

    code = "edited-since"


class LegacyVersion(msgspec.Struct, frozen=True, rename="camel"):
    """A version as another store has it."""

    version: int
    at: datetime | None = None
    author: str | None = None
    message: str | None = None
    ops: tuple[Any, ...] = ()


class ImportVersions(msgspec.Struct, frozen=True):
    """The next versions of a project, which begins with them if it is not there. `videos` names media by their legacy
    ids; `source` names the store, `run` what brings them. Version 1 begins as all of the media `film`, if there is one;
    `seconds` is its length as the store has it, for where its facts are not here yet. `metadata` is what else the store
    says of the project."""

    run: str
    source: str
    legacy_id: str
    name: str
    canvas: Canvas
    created_at: datetime | None
    versions: tuple[LegacyVersion, ...]
    videos: Mapping[str, str]
    sources: Sources
    sha256s: Sha256s
    conventions: Conventions = Conventions()
    film: str | None = None
    seconds: float | None = None
    metadata: dict[str, Any] | UnsetType = UNSET


class ImportFiles(msgspec.Struct, frozen=True):
    """Exports and proxies whose files are here already."""

    run: str
    source: str
    legacy_id: str
    exports: tuple[ImportedExport, ...]
    proxies: tuple[ImportedProxy, ...]


class UndoImport(msgspec.Struct, frozen=True):
    """Takes an imported project back."""

    run: str
    source: str


ImportCommand = ImportVersions | ImportFiles | UndoImport


def decide_import(state: ProjectState | None, command: ImportCommand) -> tuple[ProjectEvent, ...]:
    """What happens; nothing for what is there already. Raises RefusedError."""
    if state is not None and not state.undone and (state.imported is None or state.imported.source != command.source):
        raise NotImportedError("A project with this id exists, and it was not imported from that store.")
    if state is not None and state.deleted and not state.undone and not isinstance(command, UndoImport):
        raise EditedSinceError("The project was deleted here since it was imported.")
    match command:
        case ImportVersions():
            return _versions(state, command)
        case ImportFiles():
            if state is None or state.undone:
                raise NotFoundError("Files are imported after their project.")
            return _files(state, command)
        case UndoImport():
            if state is None or state.undone:
                return ()
            assert state.imported is not None
            if state.version > state.imported.last:
                first, last = state.imported.last + 1, state.version
                raise EditedSinceError(
                    f"Versions {first} to {last} were made here since; taking it back would lose them."
                )
            return (ProjectImportUndone(run=command.run, export_ids=tuple(state.exports)),)


def _versions(state: ProjectState | None, command: ImportVersions) -> tuple[ProjectEvent, ...]:
    events: list[ProjectEvent] = []
    if state is None or state.undone:
        sequence, version, last, kept = Sequence(command.name, command.canvas), 0, 0, False
        events.append(ProjectCreated(name=command.name, canvas=command.canvas, metadata=command.metadata))
        events.append(
            ProjectImported(
                run=command.run, source=command.source, legacy_id=command.legacy_id, created_at=command.created_at
            )
        )
    else:
        assert state.imported is not None
        sequence, version, last = state.sequence, state.version, state.imported.last
        kept = state.imported.kept_from is not None
    for each in command.versions:
        if each.version <= last:
            continue
        if each.version != version + 1:
            if version > last:
                raise EditedSinceError(
                    f"Versions {last + 1} to {version} were made here; {each.version} can't follow them."
                )
            raise NotFoundError(f"Version {each.version} can't follow version {version}.")
        event, sequence = _version(each, sequence, command, kept)
        kept = kept or (event.imported.why is not None and not event.imported.live)  # type: ignore[union-attr]
        events.append(event)
        version = last = each.version
    return tuple(events)


def _version(
    each: LegacyVersion, before: Sequence, command: ImportVersions, kept: bool
) -> tuple[VersionCommitted, Sequence]:
    legacy: tuple[dict[str, Any], ...] = ()
    opening, opened = _opening(each, before, command)
    ops, after, why, live, verbatim = opening, opened, None, False, each.ops
    reasons: tuple[str, ...] = ()
    try:
        if kept and each.ops:
            raise VersionUntranslatableError(_EARLIER, tuple(unknown(op, command.conventions) for op in each.ops))
        found = translated(each.ops, opened, command.videos, command.sources, each.version, command.conventions)
        ops, after, live = (*opening, *found.ops), found.sequence, bool(found.kept)
        why, verbatim, reasons = "; ".join(found.why) or None, found.kept, found.reasons
    except VersionUntranslatableError as error:
        why, reasons = str(error), error.reasons
    except EditError as error:
        why, reasons = error.detail, (error.detail,) * len(each.ops)
    if why is not None:
        legacy = tuple(op if isinstance(op, dict) else {"value": op} for op in verbatim)
        if (size := len(msgspec.json.encode(legacy))) > LARGEST:
            why, legacy = f"{why}; its {size} bytes are too many for an event and stay in the source", ()
            reasons = ()
    imported = ImportedVersion(
        run=command.run, at=each.at, author=each.author, legacy=legacy, why=why, live=live, reasons=reasons
    )
    event = VersionCommitted(
        version=each.version,
        ops=ops,
        duration=after.duration,
        digest=digest(after, command.sha256s),
        message=each.message,
        media_added=() if after.uses is before.uses else tuple(after.uses.gained(before.uses)),
        media_removed=() if after.uses is before.uses else tuple(before.uses.gained(after.uses)),
        imported=imported,
    )
    return event, after


def _opening(
    each: LegacyVersion, before: Sequence, command: ImportVersions
) -> tuple[tuple[dict[str, Any], ...], Sequence]:
    """The film that a project begins as, and the timeline with it; nothing for any version but the first."""
    if each.version != 1 or command.film is None:
        return (), before
    try:
        ops, after = opened_with(command.film, command.seconds, before, command.sources)
    except UntranslatableError:  # a media without a length: what needs the film is kept
        return (), before
    return tuple(ops), after


def _files(state: ProjectState, command: ImportFiles) -> tuple[ProjectEvent, ...]:
    exports = tuple(export for export in command.exports if export.export_id not in state.exports)
    if not exports and not command.proxies:
        return ()
    return (
        ProjectImported(
            run=command.run, source=command.source, legacy_id=command.legacy_id, exports=exports,
            proxies=command.proxies,
        ),
    )  # fmt: skip
