"""What ops says to reported facts, and waiting until it has."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.bus.tables import outbox
from cutlog.contract.commands import (
    Command,
    CommandReply,
    RecordMediaDeduplicated,
    RecordMediaFailed,
    RecordMediaReady,
    RecordMediaReleased,
    RecordMediaUploaded,
)
from services.media.tables import refusal, video

log = structlog.get_logger(__name__)

POLL: Final = 0.02


async def settle(connection: AsyncConnection, command: Command, reply: CommandReply) -> None:
    """Takes ops's answer into the tables, as the command leaves the outbox.

    Only what ops knows is ready: whoever reads so can use it in an edit at once.
    """
    match command.body:
        case RecordMediaReady(media_id=video_id) if reply.refused is None:
            await connection.execute(update(video).where(video.c.id == video_id).values(status="ready"))
        case RecordMediaFailed(media_id=video_id, event=event) if reply.refused is None:
            await connection.execute(
                update(video).where(video.c.id == video_id).values(status="failed", error=event.reason)
            )
        case RecordMediaReleased(media_id=video_id) if reply.refused is not None:
            await connection.execute(
                update(video).where(video.c.id == video_id).values(ref_count=video.c.ref_count + 1)
            )
        case RecordMediaDeduplicated(media_id=video_id, generation=generation) if reply.refused is not None:
            # Deleted before this service heard of it; who uploads puts the bytes there again.
            mine = update(video).where(video.c.id == video_id, video.c.generation == generation)
            await connection.execute(mine.values(stored="deleted", ref_count=0, derive_at=None))
        case RecordMediaUploaded(media_id=video_id) if reply.refused is not None:
            changes = {"status": "failed", "error": reply.refused.detail, "derive_at": None}
            await connection.execute(update(video).where(video.c.id == video_id).values(changes))
        case _:
            pass
    if reply.refused is not None:
        values = {"key": command.key, "code": reply.refused.code, "detail": reply.refused.detail}
        await connection.execute(insert(refusal).values(values).on_conflict_do_nothing())


async def settled(engine: AsyncEngine, key: str, patience: float) -> bool:
    """Waits until ops has answered the command of that key, at most `patience` seconds; whether it has."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        async with engine.connect() as connection:
            if (await connection.execute(select(outbox.c.number).where(outbox.c.key == key))).first() is None:
                return True
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(POLL)
