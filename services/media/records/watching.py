"""What becomes of videos, for those who wait for them: one statement per look, however many wait."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.media.records import videos
from services.media.records.videos import Stored

EVERY: Final = 0.25
"""Seconds between two looks while somebody waits."""


class Watching:
    """Looks at the videos that somebody waits for; at none while nobody does."""

    def __init__(self, engine: AsyncEngine, *, every: float = EVERY) -> None:
        self._engine, self._every = engine, every
        self._waiting: dict[str, list[asyncio.Future[Stored | None]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def next(self, video_id: str) -> Stored | None:
        """The video as it is at the next look; None when it is gone. Raises a database error."""
        found: asyncio.Future[Stored | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(video_id, []).append(found)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(), name="watching videos")
        return await found

    async def _look(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._every)
            waiting, self._waiting = self._waiting, {}
            wanted = [video_id for video_id, those in waiting.items() if not all(one.done() for one in those)]
            try:
                async with self._engine.connect() as connection:
                    rows = {row.id: row for row in await videos.current(connection, wanted)} if wanted else {}
            except Exception as error:  # whoever waits is told
                for one in (one for those in waiting.values() for one in those if not one.done()):
                    one.set_exception(error)
                continue
            for video_id, those in waiting.items():
                for one in those:
                    if not one.done():
                        one.set_result(rows.get(video_id))
