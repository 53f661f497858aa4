"""What the log tells this service: which projects use what, and where originals were sent."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.envelope import Event
from cutlog.contract.events import MediaArchived, MediaDeleted, MediaRestored
from services.media.records import uses
from services.media.records.videos import ENDED
from services.media.tables import video

NAME = "media"
"""The consumer's durable name, and that of its checkpoint."""

SUBJECTS = (*uses.SUBJECTS, "evt.media.*.MediaArchived", "evt.media.*.MediaDeleted", "evt.media.*.MediaRestored")


async def apply(connection: AsyncConnection, batch: Sequence[Event]) -> None:
    """Takes events in, in their order."""
    await uses.apply(connection, batch)
    for event in batch:
        match event.data:
            case MediaArchived(key=key, generation=generation):
                await _moved(connection, event, generation, {"stored": "archived", "key": key})
            case MediaRestored(key=key, generation=generation):
                await _moved(connection, event, generation, {"stored": "there", "key": key})
            case MediaDeleted(generation=generation):
                gone: dict[str, object] = {"stored": "deleted", "ref_count": 0, "renditions": {}, **ENDED}
                await _moved(connection, event, generation, gone)
            case _:
                pass


async def _moved(connection: AsyncConnection, event: Event, generation: int, values: dict[str, object]) -> None:
    """History that is told again, and what concerns a generation that another one followed, changes nothing."""
    mine = update(video).where(
        video.c.id == event.entity, video.c.generation == generation, video.c.stored_position < event.position
    )
    await connection.execute(mine.values(stored_position=event.position, **values))
