"""The project: edits, proxies, exports and pins are decided in one stream, so a pin and a delete can never cross."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple, assert_never

from msgspec import UNSET

from cutlog.contract.commands import (
    ArchiveExport,
    DeleteExport,
    DeleteProxy,
    Output,
    ReportExport,
    ReportProxy,
    RestoreExport,
)
from cutlog.contract.events import (
    ExportCancelled,
    ExportFailed,
    ExportPinned,
    ExportRendered,
    ExportRequested,
    ExportUnpinned,
    ProjectCreated,
    ProjectDeleted,
    ProjectEvent,
    ProjectForked,
    ProjectRestored,
    ProxyFailed,
    ProxyRendered,
    VersionCommitted,
)
from cutlog.contract.ops import HistoryUndo
from cutlog.contract.profiles import ExportProfile
from services.ops.decide.collecting import decide_collecting
from services.ops.decide.commands import (
    CancelExport,
    CommitOps,
    CreateProject,
    DeleteProject,
    ForkProject,
    ProjectCommand,
    RequestExport,
    RestoreProject,
    RetryExport,
    SetPin,
)
from services.ops.decide.importing import ImportFiles, ImportVersions, UndoImport, decide_import
from services.ops.decide.naming import check_name, check_names
from services.ops.decide.project_state import (
    NO_PAST,
    ExportState,
    Past,
    Pin,
    ProjectState,
    imported_pins,
    version_and_profile,
)
from services.ops.decide.refusals import (
    HeldError,
    IdUnavailableError,
    NotFoundError,
    NothingToExportError,
    NotRenderingError,
    NotRetryableError,
    StaleVersionError,
)
from services.ops.edits.apply import apply_all
from services.ops.edits.sequence import Sequence
from services.ops.edits.size import OverBudgetError
from services.ops.timeline.resolve import digest

Events = tuple[ProjectEvent, ...]
NOTHING: Final[Events] = ()


class Decided(NamedTuple):
    """What happens, and what `evolve` needs to know beside it."""

    events: Events
    past: Past = NO_PAST


def decide_with_past(state: ProjectState | None, command: ProjectCommand) -> Decided:
    """`decide`, with what there is at hand for `evolve`. Raises Refused, EditError."""
    match command:
        case CommitOps() if state is not None and not state.deleted:
            after = _applied(state, command)
            return Decided((_committed(state, command, after),), Past(earlier=command.earlier, becomes=after))
        case ForkProject():
            return Decided(decide(state, command), Past(origin=command.sequence))
        case _:
            return Decided(decide(state, command))


def decide(state: ProjectState | None, command: ProjectCommand) -> Events:
    """What happens; nothing, if it is so already. Raises Refused, EditError."""
    if isinstance(command, ImportVersions | ImportFiles | UndoImport):
        return decide_import(state, command)
    if state is not None and state.undone:
        state = None
    if isinstance(command, CreateProject | ForkProject):
        if state is not None:
            raise IdUnavailableError
        check_name(command.name, "/name")
        return (_forked(command) if isinstance(command, ForkProject) else _created(command),)
    if state is None:
        raise NotFoundError("The project does not exist.")
    match command:
        case ReportProxy():
            return _report_proxy(state, command)
        case ReportExport():
            return _report_export(state, command)
        case ArchiveExport() | RestoreExport() | DeleteExport() | DeleteProxy():
            return decide_collecting(state, command)
        case RestoreProject():
            return (ProjectRestored(),) if state.deleted else NOTHING
        case _ if state.deleted:
            raise NotFoundError("The project was deleted; it can be restored.")
        case DeleteProject():
            return (ProjectDeleted(),)
        case CommitOps():
            return (_committed(state, command, _applied(state, command)),)
        case RequestExport():
            return _request_export(state, command)
        case CancelExport(export_id):
            if _export(state, export_id).status != "queued":
                raise NotRenderingError(f"Export {export_id} is {_export(state, export_id).status}.")
            return (ExportCancelled(export_id=export_id),)
        case RetryExport(export_id):
            export = _export(state, export_id)
            if export.status in ("queued", "ready"):
                raise NotRetryableError(f"Export {export_id} is {export.status}.")
            newest = state.requested.get(version_and_profile(export.version, export.profile))
            if newest not in (None, export_id):
                raise NotRetryableError(f"Version {export.version} was exported again as {newest}.")
            return (ExportRequested(export_id=export_id, version=export.version, profile=export.profile),)
        case SetPin():
            return _pin(state, command)
        case _:
            assert_never(command)


def _applied(state: ProjectState, command: CommitOps) -> Sequence:
    """The timeline that the ops lead to. Raises StaleVersionError, EditError."""
    if command.expected_version is not None and command.expected_version != state.version:
        raise StaleVersionError(command.expected_version, state.version)
    check_names(command.ops)
    return apply_all(state.sequence, command.ops, command.sources, command.earlier)


def _committed(state: ProjectState, command: CommitOps, after: Sequence) -> VersionCommitted:
    before = state.sequence
    return VersionCommitted(
        version=state.version + 1,
        ops=command.sent,
        duration=after.duration,
        digest=digest(after, command.sha256s),
        message=command.message,
        media_added=_gained(after, before),
        media_removed=_gained(before, after),
        written=command.written,
        undoes=tuple(version for op in command.ops if isinstance(op, HistoryUndo) for version in op.versions) or UNSET,
        gesture=command.gesture,
    )


def _created(command: CreateProject) -> ProjectCreated:
    return ProjectCreated(
        name=command.name, canvas=command.canvas, metadata=command.metadata, media_added=command.media
    )


def _forked(command: ForkProject) -> ProjectForked:
    sequence = command.sequence
    if sequence.size > command.budget.timeline_values:
        raise OverBudgetError("timelineValues", command.budget.timeline_values, sequence.size)
    return ProjectForked(
        name=command.name,
        canvas=sequence.canvas,
        origin_project_id=command.origin_project_id,
        origin_version=command.origin_version,
        duration=sequence.duration,
        digest=digest(sequence, command.sha256s),
        media_added=tuple(sorted(sequence.uses)),
    )


def _gained(after: Sequence, before: Sequence) -> tuple[str, ...]:
    """Media that one sequence uses and the other does not."""
    return () if after.uses is before.uses else tuple(after.uses.gained(before.uses))


def _version(state: ProjectState, version: int) -> int:
    """The frames of a version. Raises NotFoundError."""
    if not 0 <= version <= state.version:
        raise NotFoundError(f"There is no version {version}; the newest is {state.version}.")
    return state.durations.get(str(version)) or 0


def _request_export(state: ProjectState, command: RequestExport) -> Events:
    frames = _version(state, command.version)
    if exported(state, command.version, command.profile) is not None:
        return NOTHING
    if frames == 0:
        raise NothingToExportError(f"Version {command.version} has no frames; add a clip first.")
    return (ExportRequested(export_id=command.export_id, version=command.version, profile=command.profile),)


def exported(state: ProjectState, version: int, profile: ExportProfile) -> str | None:
    """The id of the export of a version and profile, unless it was deleted."""
    export_id = state.requested.get(version_and_profile(version, profile))
    return None if export_id is None or state.exports[export_id].status == "deleted" else export_id


def _export(state: ProjectState, export_id: str) -> ExportState:
    export = state.exports.get(export_id)
    if export is None:
        raise NotFoundError(f"There is no export {export_id}.")
    return export


def pin_of(
    state: ProjectState, version: int, profile: ExportProfile, now: datetime
) -> tuple[ExportProfile | None, Pin] | None:
    """The pin that keeps the export of a version and profile now."""
    return next((each for each in pins_on(state, version, profile) if each[1].holds(now)), None)


def pins_on(state: ProjectState, version: int, profile: ExportProfile) -> Iterator[tuple[ExportProfile | None, Pin]]:
    """The pins that concern the export of a version and profile: that of the profile, then that of all (None)."""
    for whose in (profile, None):
        if (pin := state.pins.get(version_and_profile(version, whose))) is not None:
            yield whose, pin


def pin_set(state: ProjectState, version: int, profile: ExportProfile | None, now: datetime) -> bool:
    """Whether there is a pin on all exports of a version, or on those of one profile."""
    pin = state.pins.get(version_and_profile(version, profile))
    return pin is not None and pin.holds(now)


def _report_proxy(state: ProjectState, report: ReportProxy) -> Events:
    _version(state, report.version)
    match _last_word(report.output, report.failed):
        case Output() as made:
            return (
                ProxyRendered(
                    version=report.version, digest=report.digest, key=made.key, size=made.size, sha256=made.sha256,
                    frames=made.frames, encoded=made.encoded,
                ),
            )  # fmt: skip
        case reason:
            return (ProxyFailed(version=report.version, digest=report.digest, reason=reason),)


def _report_export(state: ProjectState, report: ReportExport) -> Events:
    export = _export(state, report.export_id)
    if export.status != "queued":
        raise NotRenderingError(f"Export {report.export_id} is {export.status}.")
    match _last_word(report.output, report.failed):
        case Output() as made:
            return (
                ExportRendered(
                    export_id=report.export_id, version=export.version, profile=export.profile, key=made.key,
                    size=made.size, sha256=made.sha256, frames=made.frames, encoded=made.encoded,
                ),
            )  # fmt: skip
        case reason:
            return (ExportFailed(export_id=report.export_id, reason=reason),)


def _last_word(output: Output | None, failed: str | None) -> Output | str:
    return output if output is not None else failed or "The renderer gave no reason."


def _pin(state: ProjectState, command: SetPin) -> Events:
    _version(state, command.version)
    pin = state.pins.get(version_and_profile(command.version, command.profile))
    imported = imported_pins(state, command.version) if command.profile is None else ()
    holds = pin_set(state, command.version, command.profile, command.now) or bool(imported)
    wanted = not holds if command.pinned is None else command.pinned
    if holds and pin is not None and pin.mode == "hold" and not command.by_admin:
        if wanted and pin == Pin(command.reason, command.expires_at, command.mode):
            return NOTHING
        raise HeldError("This version is on hold; only an admin can change or lift that.")
    if not wanted:
        # In the store that they came from a version had one pin: what was pinned there is unpinned with the version.
        profiles = (*((command.profile,) if pin is not None else ()), *imported)
        return tuple(ExportUnpinned(version=command.version, profile=profile) for profile in profiles)
    if pin == Pin(command.reason, command.expires_at, command.mode):
        return NOTHING
    return (
        ExportPinned(
            version=command.version, profile=command.profile, reason=command.reason, expires_at=command.expires_at,
            mode=UNSET if command.mode == "normal" else command.mode,
        ),
    )  # fmt: skip
