"""What ops says to reported facts, and waiting until it has."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from sqlalchemy import case, cast, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.bus import Outbox
from cutlog.bus.tables import outbox
from cutlog.contract.behalf import Behalf
from cutlog.contract.commands import (
    Command,
    CommandReply,
    RecordMediaDeduplicated,
    RecordMediaFailed,
    RecordMediaReady,
    RecordMediaReleased,
    RecordMediaUploaded,
)
from cutlog.contract.events import MediaFailed
from services.media.records.videos import ENDED, command
from services.media.tables import refusal, video

log = structlog.get_logger(__name__)

POLL: Final = 0.02
UNWANTED: Final = "it was deleted before it was processed"


async def settle(connection: AsyncConnection, sent: Command, reply: CommandReply) -> None:
    """Takes ops's answer into the tables, as the command leaves the outbox.

    Only what ops knows is ready: whoever reads so can use it in an edit at once.
    """
    match sent.body:
        case RecordMediaReady(media_id=video_id) if reply.refused is None:
            await connection.execute(update(video).where(video.c.id == video_id).values(status="ready"))
        case RecordMediaFailed(media_id=video_id, event=event) if reply.refused is None:
            # Unless it was uploaded again meanwhile, and is being processed.
            mine = update(video).where(video.c.id == video_id, video.c.derive_at.is_(None))
            await connection.execute(mine.values(status="failed", error=event.reason))
        case RecordMediaReleased(media_id=video_id) if reply.refused is None:
            await stop(connection, video_id)
        case RecordMediaReleased(media_id=video_id) if reply.refused is not None:
            await connection.execute(
                update(video).where(video.c.id == video_id).values(ref_count=video.c.ref_count + 1)
            )
        case RecordMediaDeduplicated(media_id=video_id, generation=generation) if reply.refused is not None:
            # Deleted before this service heard of it; who uploads puts the bytes there again.
            mine = update(video).where(video.c.id == video_id, video.c.generation == generation)
            await connection.execute(mine.values(stored="deleted", ref_count=0, **ENDED))
        case RecordMediaUploaded(media_id=video_id) if reply.refused is not None:
            changes = {"status": "failed", "error": reply.refused.detail, **ENDED}
            await connection.execute(update(video).where(video.c.id == video_id).values(changes))
        case _:
            pass
    if reply.refused is not None:
        values = {"key": sent.key, "code": reply.refused.code, "detail": reply.refused.detail}
        await connection.execute(insert(refusal).values(values).on_conflict_do_nothing())


async def stop(connection: AsyncConnection, video_id: str) -> None:
    """Ends the processing of a video that has no upload any more. Whoever is at it loses the claim, which ends ffmpeg.
    What was made is removed; what is made when the video is uploaded again has other keys."""
    unwanted = (video.c.id == video_id, video.c.ref_count <= 0, video.c.derive_at.is_not(None))
    first = video.c.status == "processing"
    values = {
        **ENDED, "derive_run": video.c.derive_run + 1, "revision": video.c.revision + 1,
        "status": case((first, "failed"), else_=video.c.status), "error": case((first, UNWANTED), else_=video.c.error),
        "renditions": case((first, cast({}, JSONB)), else_=video.c.renditions),
    }  # fmt: skip
    row = (await connection.execute(update(video).where(*unwanted).values(values).returning(video))).one_or_none()
    if row is None or row.status != "failed":
        return  # what was examined again stays what it was
    body = RecordMediaFailed(media_id=video_id, event=MediaFailed(reason=UNWANTED))
    key = f"media/{video_id}/failed/{row.derive_run}"
    await Outbox.add(connection, command(key, Behalf(row.tenant, row.actor, row.trace), body))


class Answers:
    """Waits for ops's answers to commands. However many wait, one of them looks for all."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def come(self, key: str, patience: float) -> bool:
        """Waits until ops has answered the command of that key, at most `patience` seconds; whether it has."""
        answered = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(answered)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="answers of ops")
        try:
            await asyncio.wait_for(answered, patience)
        except TimeoutError:
            return False
        finally:
            if not answered.done() or answered.cancelled():
                self._forget(key, answered)
        return True

    def _forget(self, key: str, answered: asyncio.Future[None]) -> None:
        others = self._waiting.get(key, [])
        if answered in others:
            others.remove(answered)
        if not others:
            self._waiting.pop(key, None)

    async def _look(self) -> None:
        while self._waiting:
            keys = list(self._waiting)
            try:
                async with self._engine.connect() as connection:
                    found = await connection.scalars(select(outbox.c.key).where(outbox.c.key.in_(keys)))
                    under_way = set(found)
            except Exception as error:
                for waiting in [each for all_ in self._waiting.values() for each in all_ if not each.done()]:
                    waiting.set_exception(error)
                self._waiting.clear()
                return
            for key in keys:
                if key not in under_way:
                    for waiting in self._waiting.pop(key, ()):
                        if not waiting.done():
                            waiting.set_result(None)
            await asyncio.sleep(POLL)
