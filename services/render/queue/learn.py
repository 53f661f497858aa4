"""What events mean to rendering: which films are wanted, and which media they may be made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus.projection import Apply
from cutlog.contract.envelope import Event
from cutlog.contract.events import (
    ExportCancelled,
    ExportFailed,
    ExportPinned,
    ExportRendered,
    ExportRequested,
    MediaFailed,
    MediaReady,
    MediaUploaded,
    ProjectDeleted,
    ProjectForked,
    ProjectImportUndone,
    ProxyDeleted,
    ProxyFailed,
    ProxyRendered,
    VersionCommitted,
)
from services.render.queue import jobs
from services.render.sql import statement

#: Name of the projection and of its durable consumer.
NAME: Final = "render"

_KINDS: Final = (
    "ExportCancelled", "ExportFailed", "ExportPinned", "ExportRendered", "ExportRequested", "ProjectDeleted",
    "ProjectForked", "ProjectImportUndone", "ProxyDeleted", "ProxyFailed", "ProxyRendered", "VersionCommitted",
)  # fmt: skip
SUBJECTS: Final = (
    *(f"evt.project.*.{kind}" for kind in _KINDS),
    *(f"evt.media.*.{kind}" for kind in ("MediaUploaded", "MediaReady", "MediaFailed")),
)

_HEARD: Final = statement("media_heard")
_FORGET: Final = statement("media_forget")


async def apply(connection: AsyncConnection, events: Sequence[Event]) -> None:
    """Keeps the state of media: the last that was heard of each."""
    heard: dict[str, dict[str, object]] = {}
    for event in events:
        match event.data:
            case MediaUploaded():
                status = "processing"
            case MediaReady():
                status = "ready"
            case MediaFailed():
                status = "failed"
            case _:
                continue
        heard[event.entity] = {"media_id": event.entity, "status": status, "position": event.position}
    if heard:
        await connection.execute(_HEARD, {"heard": msgspec.json.encode(list(heard.values())).decode()})


async def reset(connection: AsyncConnection) -> None:
    """Forgets the state of media, before it is learned again from the first event. Jobs are not derived: they stay."""
    await connection.execute(_FORGET)


def reacting(nudge: Callable[[], None]) -> Apply:
    """What events make this service do: each once, whatever is replayed. `nudge` tells that there may be work."""

    async def react(connection: AsyncConnection, events: Sequence[Event]) -> None:
        for event in events:
            await _react(connection, event)
        nudge()

    return react


async def _react(connection: AsyncConnection, event: Event) -> None:
    project = event.entity
    match event.data:
        case VersionCommitted(duration=duration, digest=digest) | ProjectForked(duration=duration, digest=digest):
            version = event.data.version if isinstance(event.data, VersionCommitted) else 0
            # What another store made comes with its proxies; a version without one is rendered when asked for.
            made_here = isinstance(event.data, ProjectForked) or event.data.imported is UNSET
            if duration > 0 and made_here:
                await jobs.want_proxy(
                    connection,
                    tenant=event.tenant,
                    project_id=project,
                    version=version,
                    digest=digest,
                    position=event.position,
                    trace=event.trace,
                    asked=False,
                )
            await jobs.supersede(connection, project, version)
        case ExportRequested(export_id=export_id, version=version, profile=profile):
            await jobs.want_export(
                connection,
                tenant=event.tenant,
                project_id=project,
                version=version,
                export_id=export_id,
                profile=profile,
                position=event.position,
                trace=event.trace,
            )
        case ExportCancelled(export_id=export_id):
            await jobs.cancel(connection, project, jobs.export_job(export_id))
        case ProjectDeleted() | ProjectImportUndone():
            await jobs.cancel(connection, project)
        case ProxyDeleted(version=version, folded=folded) if folded is not UNSET:
            await jobs.folded(connection, project, version)
        case ExportPinned(version=version):
            await jobs.pinned(connection, project, version)
        case ProxyRendered(version=version):
            await jobs.settle(connection, jobs.proxy_job(project, version), "done", event.position)
        case ProxyFailed(version=version, reason=reason):
            await jobs.settle(connection, jobs.proxy_job(project, version), "failed", event.position, reason)
        case ExportRendered(export_id=export_id):
            await jobs.settle(connection, jobs.export_job(export_id), "done", event.position)
        case ExportFailed(export_id=export_id, reason=reason):
            await jobs.settle(connection, jobs.export_job(export_id), "failed", event.position, reason)
        case _:
            pass
