"""Counts all references again from the log, once a week: differences are told, and never mended by themselves."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Bus, BusError
from cutlog.bus.history import MAX_LIMIT, read_history
from cutlog.bus.outbox import waiting
from cutlog.contract.events import MediaDeduplicated, MediaDeleted, MediaReleased, MediaUploaded
from cutlog.db.lead import lead
from cutlog.db.leases import Lease
from cutlog.db.skipping import KEPT, Skipping
from cutlog.db.standing import Standing
from cutlog.process.stopping import stops_within
from services.media.sql import statement

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 7 * 86_400.0

_COUNTS: Final = statement("video_counts")


class Recounter:
    """One process at a time counts, when it begins to lead and then every week."""

    def __init__(self, engine: AsyncEngine, bus: Bus, registry: CollectorRegistry) -> None:
        self._engine, self._bus = engine, bus
        self.standing = Standing("media.recount")
        self.skipping = Skipping("media.recount", outages=(BusError,), kept=KEPT + EVERY_SECONDS)
        self._differing = Gauge(
            "cutlog_media_refcount_differences", "Videos whose reference count differs from the log", registry=registry
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        loop = asyncio.get_running_loop()
        due = loop.time() + EVERY_SECONDS

        async def work(lease: Lease) -> None:
            nonlocal due
            lease.completed()
            while not await stops_within(stop, max(0.0, due - loop.time())):
                lease.check()
                await self.count()
                due = loop.time() + EVERY_SECONDS
                lease.completed()

        await lead(self._engine, self.standing.name, stop, work, standing=self.standing, expected=(BusError,))

    async def count(self) -> dict[str, tuple[int, int]]:
        """Videos whose references here and by the log differ, and still do a moment later."""
        found = await self._differences()
        if found:
            await asyncio.sleep(1.0)
            again = await self._differences()
            found = {video_id: both for video_id, both in again.items() if video_id in found}
        for video_id, (here, there) in sorted(found.items()):
            log.error("media.references_differ", id=video_id, here=here, log=there)
        self._differing.set(len(found))
        return found

    async def _differences(self) -> dict[str, tuple[int, int]]:
        counted = await self._of_the_log()
        async with self._engine.connect() as connection:
            if await waiting(connection, 1):
                return {}  # the log has not heard of everything yet
            here = {row.id: row.ref_count for row in await connection.execute(_COUNTS)}
        return {
            video_id: (here.get(video_id, 0), counted.get(video_id, 0))
            for video_id in (here.keys() | counted.keys()) - set(self.skipping.rows)
            if here.get(video_id, 0) != counted.get(video_id, 0)
        }

    async def _of_the_log(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        position = 1
        while True:
            try:
                page = await read_history(self._bus, position, limit=MAX_LIMIT)
            except BusError:
                if position == 1:
                    raise
                return counted  # its end
            for event in page:
                kind, _, video_id = event.stream.partition(".")
                if kind == "media":
                    with self.skipping.row(video_id):
                        match event.decode().data:
                            case MediaUploaded() | MediaDeduplicated() | MediaReleased() as fact:
                                counted[video_id] = fact.ref_count
                            case MediaDeleted():
                                counted[video_id] = 0
                            case _:
                                pass
            position = page[-1].position + 1
