"""Tells how far a film is, about four times a second while that changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec

from cutlog.bus import Bus, BusUnavailable
from cutlog.contract.jobs import Progress
from cutlog.contract.subjects import progress as subject
from services.render.queue.jobs import Job

EVERY: Final = 0.25

Publish = Callable[[Progress], Awaitable[None]]


class Reporter:
    """Call it with the number of frames that are there."""

    def __init__(self, job: Job, total: int, publish: Publish, clock: Callable[[], float]) -> None:
        self._job, self._total, self._publish, self._clock = job, total, publish, clock
        self._began = clock()
        self._first: int | None = None
        self._frames = 0
        self._told = -1

    def __call__(self, frames: int) -> None:
        if self._first is None:
            self._first, self._began = frames, self._clock()
        self._frames = max(self._frames, min(frames, self._total))

    async def tell(self) -> None:
        """Publishes what is new."""
        if self._frames == self._told:
            return
        self._told = self._frames
        seconds, made = self._clock() - self._began, self._frames - (self._first or 0)
        speed = made / seconds if made > 0 and seconds > 0 else None
        await self._publish(
            Progress(
                project_id=self._job.project_id,
                tenant=self._job.tenant,
                kind=self._job.kind,
                version=self._job.version,
                export_id=self._job.export_id,
                frames_done=self._frames,
                frames_total=self._total,
                fraction=self._frames / self._total if self._total else 1.0,
                speed=speed,
                eta_seconds=(self._total - self._frames) / speed if speed else None,
            )
        )


def publisher(bus: Bus) -> Publish:
    """To whoever listens on the project's subject now."""

    async def publish(progress: Progress) -> None:
        with suppress(BusUnavailable):
            await bus.publish(subject(progress.project_id), msgspec.json.encode(progress))

    return publish


@asynccontextmanager
async def reporting(job: Job, total: int, publish: Publish) -> AsyncIterator[Reporter]:
    """A reporter that tells by itself while the context is open, and once more at the end."""
    reporter = Reporter(job, total, publish, time.monotonic)

    async def keep_telling() -> None:
        while True:
            await reporter.tell()
            await asyncio.sleep(EVERY)

    telling = asyncio.create_task(keep_telling())
    try:
        yield reporter
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        await reporter.tell()
