"""From events to rows. Versions, which come in thousands, are written together; everything else is rare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.envelope import Event
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
    MediaArchived,
    MediaDeduplicated,
    MediaDeleted,
    MediaFailed,
    MediaReady,
    MediaReleased,
    MediaRestored,
    MediaUploaded,
    PlanCalculated,
    PolicyChanged,
    ProjectCreated,
    ProjectDeleted,
    ProjectForked,
    ProjectImported,
    ProjectImportUndone,
    ProjectRestored,
    ProxyDeleted,
    ProxyFailed,
    ProxyRendered,
    UsageRecorded,
    VersionCommitted,
)
from services.ops.decide import media
from services.ops.decide.media import MediaState
from services.ops.decide.project_state import IMPORTED
from services.ops.edits.undoing import runs
from services.ops.readmodel.sql import statement

ALL_PROFILES: Final = "*"
_CANVAS_KEYS: Final = ("width", "height", "fps", "background")

_ADD_PROJECT: Final = statement("add_project")
_ADD_VERSIONS: Final = statement("add_versions")
_COMMIT_VERSIONS: Final = statement("call_commit_versions")
_CONFIGURE: Final = statement("configure_project")
_KEEP_CANVAS: Final = statement("keep_canvas")
_RESTORE_CANVAS: Final = statement("restore_canvas")
_UNDO_CANVAS: Final = statement("undo_canvas")
_GROUPED: Final = statement("grouped")
_ADD_USES: Final = statement("add_uses")
_PROXY_RENDERED: Final = statement("proxy_rendered")
_PROXY_DELETED: Final = statement("proxy_deleted")
_PROXY_FAILED: Final = statement("proxy_failed")
_REQUEST_EXPORT: Final = statement("request_export")
_EXPORT_RENDERED: Final = statement("export_rendered")
_END_EXPORT: Final = statement("end_export")
_MOVE_EXPORT: Final = statement("move_export")
_PIN: Final = statement("pin")
_UNPIN: Final = statement("unpin")
_DELETE_PROJECT: Final = statement("delete_project")
_IMPORT_PROJECT: Final = statement("import_project")
_IMPORT_EXPORTS: Final = statement("import_exports")
_KEEP_VERBATIM: Final = statement("keep_verbatim")
_UNDO_IMPORT: Final = statement("undo_import")
_MEDIA_STATE: Final = statement("media_state")
_PUT_MEDIA: Final = statement("put_media")
_ADD_ALIAS: Final = statement("add_alias")
_END_ALIAS: Final = statement("end_alias")

_STATE: Final = msgspec.json.Decoder(MediaState)


async def derive(connection: AsyncConnection, events: Sequence[Event]) -> None:
    """Brings the rows up to the events, which follow those derived before. Raises on a fact it does not know."""
    start = 0
    for index, event in enumerate(events):
        if isinstance(event.data, ProjectImportUndone):  # what follows it may be about a new project of that id
            await _derive(connection, events[start:index])
            await _execute(connection, _UNDO_IMPORT, event.entity)
            start = index + 1
    await _derive(connection, events[start:])


async def _derive(connection: AsyncConnection, events: Sequence[Event]) -> None:
    versions = [event for event in events if isinstance(event.data, VersionCommitted)]
    for event in events:
        match event.data:
            case ProjectCreated() as data:
                await _created(connection, event, data)
            case ProjectForked() as data:
                await _forked(connection, event, data)
            case _:
                pass
    if versions:
        await _committed(connection, versions)
    for event in events:
        match event.data:
            case (
                ProjectCreated() | ProjectForked() | VersionCommitted() | PlanCalculated() | PolicyChanged()
                | UsageRecorded()
            ):  # fmt: skip
                pass
            case (
                MediaUploaded() | MediaDeduplicated() | MediaReady() | MediaFailed() | MediaReleased()
                | MediaArchived() | MediaRestored() | MediaDeleted()
            ):  # fmt: skip
                await _media(connection, event)
            case _:
                await _rare(connection, event)


async def _execute(connection: AsyncConnection, sql: str, *arguments: Any) -> None:
    await connection.exec_driver_sql(sql, arguments)


async def _created(connection: AsyncConnection, event: Event, data: ProjectCreated) -> None:
    canvas = msgspec.json.encode(data.canvas).decode()
    made = (event.tenant, data.name, canvas, event.at, 0, None, None, _metadata(data.metadata))
    await _execute(connection, _ADD_PROJECT, event.entity, *made)
    await _execute(connection, _ADD_VERSIONS, [event.entity], [0], [event.position], [0], [""])
    await _execute(connection, _KEEP_CANVAS, event.entity, 0)
    await _begin_uses(connection, event.entity, data.media_added)


def _metadata(said: dict[str, Any] | msgspec.UnsetType) -> str | None:
    return None if said is msgspec.UNSET else msgspec.json.encode(said).decode()


async def _forked(connection: AsyncConnection, event: Event, data: ProjectForked) -> None:
    canvas, project = msgspec.json.encode(data.canvas).decode(), event.entity
    origin = (data.origin_project_id, data.origin_version)
    made = (event.tenant, data.name, canvas, event.at, data.duration, *origin, None)
    await _execute(connection, _ADD_PROJECT, project, *made)
    await _execute(connection, _ADD_VERSIONS, [project], [0], [event.position], [data.duration], [data.digest])
    await _execute(connection, _KEEP_CANVAS, project, 0)
    await _begin_uses(connection, project, data.media_added)


async def _begin_uses(connection: AsyncConnection, project: str, media: Sequence[str]) -> None:
    """Those of version 0."""
    if media:
        await _execute(connection, _ADD_USES, list(media), [project] * len(media), [0] * len(media))


async def _committed(connection: AsyncConnection, events: Sequence[Event]) -> None:
    facts = [(event, event.data) for event in events if isinstance(event.data, VersionCommitted)]
    await _execute(
        connection, _COMMIT_VERSIONS,
        [event.entity for event, _ in facts],
        [data.version for _, data in facts],
        [event.position for event, _ in facts],
        [data.duration for _, data in facts],
        [data.digest for _, data in facts],
        [event.at for event, _ in facts],
    )  # fmt: skip
    uses = [(media_id, event.entity, data.version) for event, data in facts for media_id in data.media_added]
    if uses:
        await _execute(connection, _ADD_USES, *map(list, zip(*uses, strict=True)))
    for event, data in facts:
        await _configured(connection, event.entity, data)
        if data.undoes is not msgspec.UNSET or data.gesture is not msgspec.UNSET:
            undoes = None if data.undoes is msgspec.UNSET else list(data.undoes)
            gesture = None if data.gesture is msgspec.UNSET else data.gesture
            await _execute(connection, _GROUPED, event.entity, data.version, undoes, gesture)
        if data.imported is not msgspec.UNSET and data.imported.why is not None and not data.imported.live:
            await _execute(connection, _KEEP_VERBATIM, event.entity, data.version, data.imported.why)


async def _configured(connection: AsyncConnection, project: str, data: VersionCommitted) -> None:
    """The project's name and canvas after a version; versions that change the canvas keep it, for reverts."""
    changed = False
    for op in data.ops:
        match op.get("op"):
            case "project.configure":
                canvas = {key: op[key] for key in _CANVAS_KEYS if key in op}
                encoded = msgspec.json.encode(canvas).decode()
                await _execute(connection, _CONFIGURE, project, op.get("name"), encoded)
                changed = True
            case "history.revert":
                await _execute(connection, _RESTORE_CANVAS, project, int(op["toVersion"]))
                changed = True
            case "history.undo":
                for first, last in runs(op["versions"]):
                    await _execute(connection, _UNDO_CANVAS, project, first - 1, last)
                changed = True
            case _:
                pass
    if changed:
        await _execute(connection, _KEEP_CANVAS, project, data.version)


async def _media(connection: AsyncConnection, event: Event) -> None:
    assert not isinstance(event.data, VersionCommitted)
    row = (await connection.exec_driver_sql(_MEDIA_STATE, (event.entity,))).one_or_none()
    before = None if row is None else _STATE.decode(row.state)
    match event.data:
        case (
            MediaUploaded() | MediaDeduplicated() | MediaReady() | MediaFailed() | MediaReleased()
            | MediaArchived() | MediaRestored() | MediaDeleted()
        ) as fact:  # fmt: skip
            state = media.evolve(before, fact, event.tenant)
        case other:
            raise TypeError(f"{type(other).__name__} is not about media")
    encoded = msgspec.json.encode(state).decode()
    await _execute(connection, _PUT_MEDIA, event.entity, event.tenant, event.version, state.ref_count, encoded)
    match fact:
        case MediaUploaded(alias=str() as alias) | MediaDeduplicated(alias=str() as alias):
            await _execute(connection, _ADD_ALIAS, event.tenant, alias, event.entity, event.position)
        case MediaReleased(alias=str() as alias):
            await _execute(connection, _END_ALIAS, event.tenant, alias, event.entity)
        case _:
            pass


async def _rare(connection: AsyncConnection, event: Event) -> None:
    project, at = event.entity, event.at
    match event.data:
        case ProxyRendered(version=version, key=key):
            await _execute(connection, _PROXY_RENDERED, project, version, key)
        case ProxyDeleted(version=version, key=key):
            await _execute(connection, _PROXY_DELETED, project, version, key)
        case ProxyFailed(version=version, reason=reason):
            await _execute(connection, _PROXY_FAILED, project, version, reason)
        case ExportRequested(export_id=export_id, version=version, profile=profile):
            await _execute(connection, _REQUEST_EXPORT, export_id, project, version, profile, at)
        case ExportRendered(export_id=export_id, key=key, size=size, sha256=sha256):
            await _execute(connection, _EXPORT_RENDERED, export_id, key, size, sha256, at)
        case ExportFailed(export_id=export_id, reason=reason):
            await _execute(connection, _END_EXPORT, export_id, "failed", reason, at)
        case ExportCancelled(export_id=export_id):
            await _execute(connection, _END_EXPORT, export_id, "cancelled", None, at)
        case ExportArchived(export_id=export_id, key=key):
            await _execute(connection, _MOVE_EXPORT, export_id, "archived", key)
        case ExportRestored(export_id=export_id, key=key):
            await _execute(connection, _MOVE_EXPORT, export_id, "ready", key)
        case ExportDeleted(export_id=export_id):
            await _execute(connection, _MOVE_EXPORT, export_id, "deleted", None)
        case ExportPinned(version=version, profile=profile, reason=reason, expires_at=expires_at, mode=mode):
            kept = "normal" if mode is msgspec.UNSET else mode
            whose = profile or ALL_PROFILES
            await _execute(connection, _PIN, project, version, whose, reason, expires_at, event.actor, kept)
        case ExportUnpinned(version=version, profile=profile):
            await _execute(connection, _UNPIN, project, version, profile or ALL_PROFILES)
        case ProjectImported() as data:
            await _imported(connection, event, data)
        case ProjectDeleted():
            await _execute(connection, _DELETE_PROJECT, project, at)
        case ProjectRestored():
            await _execute(connection, _DELETE_PROJECT, project, None)
        case other:
            raise TypeError(f"no rows are derived from {type(other).__name__}")


async def _imported(connection: AsyncConnection, event: Event, data: ProjectImported) -> None:
    project, exports = event.entity, data.exports
    await _execute(connection, _IMPORT_PROJECT, project, data.source, data.legacy_id, data.created_at)
    if exports:
        await _execute(
            connection, _IMPORT_EXPORTS, project,
            [export.export_id for export in exports], [export.version for export in exports],
            [export.profile for export in exports], [export.status for export in exports],
            [export.key for export in exports], [export.size for export in exports],
            [export.sha256 for export in exports], [export.at or event.at for export in exports],
            [_metadata(export.metadata) for export in exports],
        )  # fmt: skip
    for export in exports:
        if export.pinned:
            pin = (project, export.version, export.profile, IMPORTED, None, event.actor, "normal")
            await _execute(connection, _PIN, *pin)
    for proxy in data.proxies:
        await _execute(connection, _PROXY_RENDERED, project, proxy.version, proxy.key)
