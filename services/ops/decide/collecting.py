"""Archiving, restoring and deleting: decided where pins are, so that a pin and a delete can never cross."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from cutlog.contract.commands import ArchiveExport, CollectExport, DeleteExport, DeleteProxy, RestoreExport
from cutlog.contract.events import ExportArchived, ExportDeleted, ExportRestored, ProjectEvent, ProxyDeleted
from cutlog.contract.profiles import EXPORTS
from services.ops.decide.project_state import ExportState, Pin, ProjectState, version_and_profile
from services.ops.decide.refusals import ChangedSinceError, NotArchivedError, NotFoundError, NotReadyError, PinnedError


def decide_collecting(state: ProjectState, command: CollectExport) -> tuple[ProjectEvent, ...]:
    """What happens; nothing for what is so already. Raises Refused."""
    match command:
        case ArchiveExport(export_id=export_id):
            export = _export(state, export_id)
            if export.status != "ready":
                raise NotReadyError(f"Export {export_id} is {export.status}.")
            _may_go(state, export, command.at, command.project_deleted, command.erase)
            return (ExportArchived(export_id=export_id, key=command.key),)
        case RestoreExport(export_id=export_id):
            _archived(state, export_id)
            return (ExportRestored(export_id=export_id, key=command.key),)
        case DeleteExport(export_id=export_id):
            _may_go(state, _archived(state, export_id), command.at, command.project_deleted, command.erase)
            return (ExportDeleted(export_id=export_id),)
        case DeleteProxy(version=version):
            if not state.deleted and version == state.version:
                raise ChangedSinceError(f"Version {version} is the newest of the project.")
            if not command.folded:
                return (ProxyDeleted(version=version, key=command.key),)
            _may_be_folded(state, version, command.at)
            return (ProxyDeleted(version=version, key=command.key, folded=command.folded),)
        case _:
            assert_never(command)


def _export(state: ProjectState, export_id: str) -> ExportState:
    export = state.exports.get(export_id)
    if export is None:
        raise NotFoundError(f"There is no export {export_id}.")
    return export


def _archived(state: ProjectState, export_id: str) -> ExportState:
    export = _export(state, export_id)
    if export.status != "archived":
        raise NotArchivedError(f"Export {export_id} is {export.status}.")
    return export


def _may_go(state: ProjectState, export: ExportState, at: datetime, project_deleted: bool, erase: bool) -> None:
    """Raises ChangedSinceError, PinnedError."""
    if state.deleted != project_deleted:
        raise ChangedSinceError("The project was deleted or restored since.")
    for profile in (export.profile, None):
        pin = state.pins.get(version_and_profile(export.version, profile))
        if pin is not None and pin.holds(at) and not (erase and state.deleted and pin.mode == "normal"):
            raise PinnedError(_pinned(pin))


def _may_be_folded(state: ProjectState, version: int, at: datetime | None) -> None:
    """Any pin of the version keeps its proxy as a file. Raises ChangedSinceError, PinnedError."""
    if state.deleted:
        raise ChangedSinceError("The project was deleted since.")
    for profile in (None, *EXPORTS):
        pin = state.pins.get(version_and_profile(version, profile))
        if pin is not None and (at is None or pin.holds(at)):
            raise PinnedError(_pinned(pin))


def _pinned(pin: Pin) -> str:
    until = f"until {pin.expires_at:%Y-%m-%d %H:%M:%S} UTC" if pin.expires_at else "until it is unpinned"
    held = "held" if pin.mode == "hold" else "pinned"
    return f"It is {held} {until}{f': {pin.reason}' if pin.reason else ''}."
