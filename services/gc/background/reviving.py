"""What comes back by itself: archived media that somebody needs again. Everything else is done by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus.projection import Apply
from cutlog.contract import events as e
from cutlog.contract.commands import Command, RestoreMedia
from cutlog.contract.envelope import Event
from services.gc.report.reports import CommandSink
from services.gc.sql import statement

_ARCHIVED: Final = statement("media_archived")


def reviving(outbox: CommandSink) -> Apply:
    """Restores media whose content is uploaded again, or whose project is restored: once for each such event."""

    async def react(connection: AsyncConnection, events: Sequence[Event]) -> None:
        for event in events:
            match event.data:
                case e.MediaDeduplicated():
                    needed = {"media_id": event.entity, "project_id": None}
                case e.ProjectRestored() | e.ExportPinned():
                    needed = {"media_id": None, "project_id": event.entity}
                case _:
                    continue
            for media_id in (await connection.scalars(_ARCHIVED, needed)).all():
                key = f"gc/revive/{media_id}/{event.position}"
                body = RestoreMedia(media_id=media_id)
                await outbox.add(
                    connection, Command(key=key, tenant=event.tenant, actor="gc", trace=event.trace, body=body)
                )
        outbox.wake()

    return react
