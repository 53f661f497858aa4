"""Several workers at one export: its owner offers what is missing in parts, all that have nothing to do take some, and
what a worker that dies had taken is taken by another. Segments are named by their content, so none is made twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import StoreUnavailableError
from cutlog.bus import BusError, JobQueue
from cutlog.contract.jobs import RenderJob
from cutlog.contract.subjects import EXPORT_JOBS
from services.render.plan.segments import Digest
from services.render.produce.orders import GaveWayError, gave_way
from services.render.produce.share import LANES, DeclinedError, Group, PartFailedError, Run
from services.render.queue import parts
from services.render.queue.jobs import Job
from services.render.queue.parts import Offer, Part

log = structlog.get_logger(__name__)

#: Seconds between looks at what others do, when there is nothing left to take.
LOOK: Final = 0.2
#: Seconds between looks whether a part may go on.
WATCH: Final = 0.5


class Sharing:
    """The owner's side. `worker` is the owner's name."""

    def __init__(self, engine: AsyncEngine, queue: JobQueue, worker: str, job: Job) -> None:
        self._engine, self._queue, self._worker, self._job = engine, queue, worker, job

    async def under_way(self) -> set[Digest]:
        return {digest for part in await self._standing() if part.status == "running" for digest in part.digests}

    async def made(self, groups: Sequence[Group], under_way: set[Digest], run: Run, tell: Callable[[int], None]) -> int:
        offers = [
            Offer(_part_id(number, group), tuple(each.digest for each in group), sum(each.frames for each in group))
            for number, group in enumerate(groups)
        ]
        wanted = under_way | {digest for each in offers for digest in each.digests}
        async with self._engine.begin() as connection:
            await parts.offer(connection, self._job.job_id, offers)
        await self._invite([each.id for each in offers[1:]])
        own: set[str] = set()

        async def work() -> None:
            while part := await self._claim():
                own.add(part.part_id)
                await working(self._engine, self._worker, part, run(part.digests))

        while True:
            try:
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(LANES):
                        tasks.create_task(work())
            except ExceptionGroup as group:
                if gave_way(group):
                    found = [each for each in await self._standing() if wanted.issuperset(each.digests)]
                    raise GaveWayError(sum(each.encoded for each in found)) from None
                raise
            found = [each for each in await self._standing() if wanted.issuperset(each.digests)]
            tell(sum(each.frames for each in found if each.status == "done" and each.part_id not in own))
            if failed := next((each for each in found if each.status == "failed"), None):
                raise PartFailedError(f"{PartFailedError.__doc__} {failed.reason}")
            if all(each.status == "done" for each in found):
                async with self._engine.begin() as connection:
                    await parts.forget(connection, self._job.job_id)
                return sum(each.encoded for each in found)
            await asyncio.sleep(LOOK)

    async def _claim(self) -> Part | None:
        async with self._engine.begin() as connection:
            return await parts.claim(connection, self._job.job_id, None, self._worker)

    async def _standing(self) -> list[Part]:
        async with self._engine.begin() as connection:
            return await parts.standing(connection, self._job.job_id, self._worker)

    async def _invite(self, names: Sequence[str]) -> None:
        """Messages for workers that have nothing to do. Without them the owner makes everything itself."""
        job = self._job
        for name in names:
            message = RenderJob(
                job_id=job.job_id, kind=job.kind, tenant=job.tenant, project_id=job.project_id, version=job.version,
                attempt=job.attempt, trace=job.trace, export_id=job.export_id, profile=job.profile, part=name,
            )  # fmt: skip
            key = f"{job.job_id}.{job.attempt}.{job.created_at.timestamp():.6f}.{name}"
            subject = f"{EXPORT_JOBS}.{job.tenant}.{job.project_id}"
            try:
                await self._queue.publish(subject, msgspec.json.encode(message), key=key)
            except BusError as error:
                log.info("render.sharing_abandoned", job=job.job_id, why=repr(error))
                return


def _part_id(number: int, group: Group) -> str:
    names = "".join(segment.digest for segment in group)
    return f"{number:06d}-{hashlib.sha256(names.encode()).hexdigest()[:16]}"


async def working(engine: AsyncEngine, worker: str, part: Part, work: Awaitable[int]) -> None:
    """Does the work of a part and notes how it ended: given back when this is cancelled or gives way, counted when it
    fails. Work that nobody wants any more is cancelled. Raises GaveWayError."""
    doing = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([doing], timeout=WATCH))[0]:
            async with engine.begin() as connection:
                if not await parts.held(connection, part, worker):
                    log.info("render.part_obsolete", job=part.job_id, part=part.part_id)
                    await parts.leave(connection, part, worker, "queued")
                    return
        encoded = doing.result()
    except (asyncio.CancelledError, DeclinedError, StoreUnavailableError) as error:
        async with engine.begin() as connection:
            await parts.leave(connection, part, worker, "queued")
        if isinstance(error, asyncio.CancelledError):
            raise
    except GaveWayError as error:
        async with engine.begin() as connection:
            await parts.leave(connection, part, worker, "queued", encoded=error.encoded)
        raise
    except Exception as error:
        log.warning("render.part_failed", job=part.job_id, part=part.part_id, why=repr(error))
        reason = f"{type(error).__name__}: {error}"[:1000]
        async with engine.begin() as connection:
            await parts.leave(connection, part, worker, "queued", failed=True, reason=reason)
    else:
        async with engine.begin() as connection:
            await parts.leave(connection, part, worker, "done", encoded=encoded)
    finally:
        if not doing.done():
            doing.cancel()
            await asyncio.wait([doing])
