"""Removes from the store what attempts left that ended without being the last word, such as those of deleted videos."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import msgspec
import structlog
from sqlalchemy import func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import BlobStore, StoreUnavailableError
from cutlog.contract.keys import Content, RenditionKey, SliceKey, StreamKey, UnknownKeyError, parse_key, revision_of
from cutlog.contract.media import Renditions
from cutlog.db.failures import DATABASE_ERRORS
from cutlog.db.skipping import Skipping
from cutlog.process.stopping import stops_within
from services.media.records.videos import Stored
from services.media.tables import video

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 0.5
LEASE: Final = timedelta(seconds=60)
"""After which another process does what one began."""


class Tidying:
    """Looks after videos whose `tidy_at` has come and that nobody is at."""

    def __init__(self, engine: AsyncEngine, blobs: BlobStore) -> None:
        self._engine, self._blobs = engine, blobs
        self.skipping = Skipping("media.tidy", outages=(StoreUnavailableError,))

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        while not stop.is_set():
            try:
                if not await self.step():
                    await stops_within(stop, POLL_SECONDS)
            except Exception as error:
                if isinstance(error, (*DATABASE_ERRORS, StoreUnavailableError)):
                    log.warning("tidy.waiting", why=repr(error))
                else:
                    log.exception("tidy.failed")
                await stops_within(stop, 1.0)

    async def step(self) -> bool:
        """Tidies up after one video; whether there was one."""
        due = select(video.c.id).where(video.c.tidy_at <= func.clock_timestamp(), video.c.derive_at.is_(None))
        due = due.order_by(video.c.tidy_at).limit(1).with_for_update(skip_locked=True)
        claim = update(video).where(video.c.id == due.scalar_subquery())
        columns = (
            video.c.id, video.c.tenant, video.c.sha256, video.c.generation, video.c.revision, video.c.renditions,
            video.c.tidy_at,
        )  # fmt: skip
        claim = claim.values(tidy_at=func.clock_timestamp() + literal(LEASE))
        async with self._engine.begin() as connection:
            row = (await connection.execute(claim.returning(*columns))).one_or_none()
        if row is None:
            return False
        with self.skipping.row(row.id):
            content = Content(row.tenant, row.sha256, row.generation)
            await self._remove(content, row.revision, msgspec.convert(row.renditions, Renditions))
            async with self._engine.begin() as connection:
                mine = update(video).where(video.c.id == row.id, video.c.tidy_at == row.tidy_at)
                await connection.execute(mine.values(tidy_at=None))
        return True

    async def begin(self, row: Stored) -> None:
        """Before a video is processed that never was ready: what was made before it was deleted, or failed, is of no
        use."""
        if row.status == "processing" and row.revision > 0:
            await self._remove(Content(row.tenant, row.sha256, row.generation), row.revision - 1, Renditions())

    async def _remove(self, content: Content, revision: int, kept: Renditions) -> None:
        """What was made up to that examination and is not `kept`. What later ones make has other keys. What earlier
        ones made, cached segments may refer to; gc collects it."""
        keys = {made.key for _, made in kept.files()}
        first = max(map(revision_of, keys), default=0)
        async for head in self._blobs.list(content.folder):
            try:
                key = parse_key(head.key)
            except UnknownKeyError:
                continue
            match key:
                case RenditionKey() | StreamKey() if first <= key.revision <= revision and head.key not in keys:
                    await self._blobs.delete(head.key)
                case SliceKey() if key.revision <= revision:
                    await self._blobs.delete(head.key)
                case _:
                    pass
