"""Does jobs: claims, renders, has the last word. Any number of workers may try; one of them counts."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from structlog.contextvars import bound_contextvars

from cutlog.blobs import StoreUnavailableError
from cutlog.bus import Delivered, JobQueue, Outbox, Poison, Retry
from cutlog.contract.commands import Output
from cutlog.contract.jobs import JobKind, RenderJob
from cutlog.contract.keys import ExportKey, ProxyKey
from cutlog.contract.profiles import EXPORTS as EXPORT_FILES
from cutlog.contract.timeline import Timeline
from cutlog.db.lead import lead
from cutlog.db.leases import Lease
from cutlog.db.placing import placing
from cutlog.db.standing import Standing
from cutlog.ffmpeg import MediaRefusedError
from cutlog.process.stopping import stops_within
from cutlog.process.tracing import span
from cutlog.web.trace import trace_id
from services.render.errors import RenderError
from services.render.plan.profiles import EXPORTS, PROXY
from services.render.produce.make import Maker
from services.render.produce.orders import GaveWayError, Order
from services.render.produce.share import DeclinedError
from services.render.produce.sources import NoPictureError, SourceGoneError
from services.render.produce.timelines import OpsAwayError, TimelineGoneError, Timelines
from services.render.queue import jobs, parts
from services.render.queue.jobs import Job, Share, Yielding
from services.render.queue.metrics import RenderMetrics
from services.render.queue.progress import Publish, reporting
from services.render.queue.reports import report
from services.render.queue.sharing import Sharing, working

log = structlog.get_logger(__name__)

#: Seconds before a job that failed is tried again, by how often it did.
DELAYS: Final = (1.0, 5.0, 15.0, 30.0)
#: Seconds between looks whether a running job was cancelled.
WATCH: Final = 0.5
#: Seconds without such a look after which the service is not ready.
STALLED: Final = 30.0


class MediaFailedError(RenderError):
    """Media that the version uses could not be processed."""


class UnknownProfileError(RenderError):
    """An export was asked for by a newer build, in a profile that this one does not have."""


#: Trying again would fail again.
_HOPELESS: Final = (
    MediaFailedError, MediaRefusedError, NoPictureError, SourceGoneError, TimelineGoneError, UnknownProfileError,
)  # fmt: skip


class Worker:
    """`name` is this process's own; it must hold the lease of that name (see `alive`) while it works."""

    def __init__(
        self,
        name: str,
        engine: AsyncEngine,
        outbox: Outbox,
        maker: Maker,
        timelines: Timelines,
        queue: JobQueue,
        publish: Publish,
        metrics: RenderMetrics,
        nudge: Callable[[], None],
        limits: Mapping[str, Share] | None = None,
    ) -> None:
        self.name = name
        self._limits = {"*": Share(), **(limits or {})}
        self._engine, self._outbox, self._maker, self._timelines = engine, outbox, maker, timelines
        self._queue, self._publish, self._metrics, self._nudge = queue, publish, metrics, nudge
        self._running: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._dropped: set[tuple[str, int]] = set()
        self._slices: dict[str, float] = {}
        self._helping: Counter[str] = Counter()
        self._giving_way: dict[str, Yielding] = {}
        self.standing = Standing(f"worker {name}", rounds=STALLED)
        self.ready = asyncio.Event()
        """Set once the lease is held: a job begun before would be taken for one of a dead worker."""

    async def alive(self, stop: asyncio.Event) -> None:
        """Holds this worker's lease until `stop` is set: without it, its jobs are given to others."""

        async def work(lease: Lease) -> None:
            self.ready.set()
            while not await stops_within(stop, WATCH):
                async with self._engine.connect() as connection:
                    await lease.confirm(connection)
                    mine = await jobs.mine(connection, self.name)
                    if self._running or self._helping:
                        found = await jobs.yielding(connection, self.name, list(self._helping), self._limits)
                        self._giving_way = {each.job_id: each for each in found}
                await self._watch(mine)
                lease.completed()

        await lead(self._engine, jobs.worker_lease(self.name), stop, work, standing=self.standing)

    @asynccontextmanager
    async def _claiming(self) -> AsyncIterator[AsyncConnection]:
        """A transaction to begin something in. Waits while the lease is lost, as when PostgreSQL was away for long."""
        while True:
            async with self._engine.begin() as connection:
                if await jobs.alive(connection, self.name):
                    yield connection
                    return
            await asyncio.sleep(0.1)

    async def _watch(self, mine: set[tuple[str, int]]) -> None:
        """Stops what was cancelled or given to another; gives back what this process began and does not do any more."""
        running = dict(self._running)
        for place in running.keys() - mine:
            running[place].cancel()
        # Seen twice, for one that was claimed just now is not in `_running` yet.
        dropped = {place for place in mine - self._running.keys() if place in self._dropped}
        self._dropped = mine - self._running.keys()
        for job_id, attempt in dropped:
            log.warning("render.job_returned", job=job_id)
            async with self._engine.begin() as connection:
                await jobs.leave(connection, job_id, attempt, "queued", failed=True, reason="the database was away")
        if dropped:
            self._nudge()

    def _turn(self, job_id: str) -> None:
        """At the end of a slice. Raises GaveWayError when the job has had its time and somebody else waits, or when its
        tenant has used up a budget."""
        found = self._giving_way.get(job_id)
        if found is not None and found.has_had(self._slices.get(job_id, jobs.SLICE)):
            raise GaveWayError

    async def handle(self, delivered: Delivered) -> None:
        """One message. Raises Retry to get it again, Poison when the job has failed for good."""
        try:
            message = msgspec.json.decode(delivered.payload, type=RenderJob)
        except msgspec.DecodeError as error:
            raise Poison(f"not a job: {error}") from error
        if message.part is not None:
            await self._help(message, message.part)
            return
        async with self._claiming() as connection:
            job = await jobs.claim(connection, message.job_id, message.attempt, self.name)
        if job is None:
            log.info("render.job_obsolete", job=message.job_id, admission=message.attempt)
            return
        place = job.job_id, job.attempt
        doing = asyncio.create_task(self._do(job))
        self._running[place] = doing
        try:
            await asyncio.wait([doing])
            if not doing.cancelled():
                doing.result()
        finally:
            if not doing.done():
                # This process stops: somebody else goes on, at once.
                doing.cancel()
                await asyncio.wait([doing])
                await self._leave(job, "admitted", reason="the worker stopped")
            del self._running[place]
            self._slices.pop(job.job_id, None)
            self._nudge()

    async def _help(self, message: RenderJob, name: str) -> None:
        """Makes a part of another worker's film. Whatever becomes of it, the owner sees it in the table."""
        async with self._claiming() as connection:
            part = await parts.claim(connection, message.job_id, name, self.name)
        if part is None:
            return  # its owner, or somebody else, was faster

        async def work() -> int:
            try:
                timeline = await self._timelines.fetch(message.project_id, message.version)
            except OpsAwayError as error:
                raise DeclinedError(str(error)) from error
            order = _order(message.kind, message.profile, timeline, partial(self._turn, message.job_id))
            return await self._maker.part(order, part.digests, lambda _: None)

        with bound_contextvars(trace=trace_id(message.trace), job=message.job_id), span("render part", message.trace):
            self._helping[message.job_id] += 1
            try:
                await working(self._engine, self.name, part, work())
            except GaveWayError:
                log.info("render.gave_way", job=message.job_id, part=name)
            finally:
                self._helping -= Counter([message.job_id])

    async def _do(self, job: Job) -> None:
        with bound_contextvars(trace=trace_id(job.trace), job=job.job_id), span(f"render {job.kind}", job.trace):
            await self._made(job)

    async def _made(self, job: Job) -> None:
        began = time.monotonic()
        try:
            timeline = await self._timelines.fetch(job.project_id, job.version)
            needs = [media.id for media in timeline.media.values() if media.status == "processing"]
            if needs:
                log.info("render.waiting_for_media", job=job.job_id, media=needs)
                await self._leave(job, "waiting", needs=needs, delay=0.2)
                return
            if broken := [media.id for media in timeline.media.values() if media.status == "failed"]:
                raise MediaFailedError(f"{MediaFailedError.__doc__} {', '.join(broken)}")
            async with reporting(job, timeline.duration, self._publish) as tell:
                # To go on later takes as long as to begin: no more than a twentieth of the time goes into that.
                self._slices[job.job_id] = max(jobs.SLICE, 20 * (time.monotonic() - began))
                share = Sharing(self._engine, self._queue, self.name, job) if job.kind == "export" else None
                order = _order(job.kind, job.profile, timeline, partial(self._turn, job.job_id))
                if job.kind == "proxy":
                    order = msgspec.structs.replace(order, placing=partial(placing, self._engine, order.key))
                if job.kind == "proxy" and job.version > 1:
                    order = msgspec.structs.replace(order, before=partial(self._before, job))
                output = await self._maker.make(order, tell, share)
            output = msgspec.structs.replace(output, encoded=output.encoded + job.encoded)
            await self._finish(job, timeline.digest, output)
            self._metrics.done(job, output, time.monotonic() - began)
        except GaveWayError as error:
            found = self._giving_way.get(job.job_id)
            status: jobs.Status = "superseded" if found is not None and found.passed else "queued"
            log.info("render.gave_way", job=job.job_id, encoded=error.encoded, status=status)
            await self._leave(job, status, encoded=error.encoded)
        except OpsAwayError as error:
            # That is no fault of the job, however often it happens.
            log.info("render.waiting_for_ops", job=job.job_id, why=str(error))
            await self._leave(job, "queued", reason="ops does not answer", delay=1.0)
        except Exception as error:
            root = _root(error)
            if isinstance(root, StoreUnavailableError):
                log.warning("render.waiting_for_store", job=job.job_id, why=str(root))
                await self._leave(job, "queued", reason="the object store is unavailable", delay=5.0)
            else:
                await self._fail(job, root)

    async def _before(self, job: Job) -> Timeline | None:
        try:
            return await self._timelines.fetch(job.project_id, job.version - 1)
        except (TimelineGoneError, OpsAwayError) as error:
            log.info("render.queue_bypassed", job=job.job_id, why=repr(error))
            return None

    async def _finish(self, job: Job, digest: str, output: Output) -> None:
        async with self._engine.begin() as connection:
            if not await jobs.leave(connection, job.job_id, job.attempt, "done"):
                log.info("render.report_rejected", job=job.job_id, attempt=job.attempt)
                return
            await self._outbox.add(connection, report(job, digest=digest, output=output))
        self._outbox.wake()

    async def _fail(self, job: Job, error: Exception) -> None:
        """Has it tried again, or says why there will be no film."""
        reason = f"{error}" if isinstance(error, _HOPELESS) else f"{type(error).__name__}: {error}"
        failures = job.failures + 1
        if failures < jobs.MAX_FAILURES and not isinstance(error, _HOPELESS):
            self._metrics.failed(job, again=True)
            log.warning("render.job_retrying", job=job.job_id, attempt=job.attempt, why=reason)
            await self._leave(job, "admitted", failed=True, reason=reason)
            raise Retry(reason, DELAYS[min(failures, len(DELAYS)) - 1]) from error
        self._metrics.failed(job, again=False)
        log.error("render.job_failed", job=job.job_id, attempt=job.attempt, why=reason)
        async with self._engine.begin() as connection:
            if not await jobs.leave(connection, job.job_id, job.attempt, "failed", failed=True, reason=reason):
                return
            await parts.forget(connection, job.job_id)
            await self._outbox.add(connection, report(job, digest=job.digest, failed=reason))
        self._outbox.wake()
        raise Poison(reason) from error

    async def _leave(
        self,
        job: Job,
        status: jobs.Status,
        *,
        failed: bool = False,
        needs: list[str] | None = None,
        reason: str | None = None,
        delay: float = 0.0,
        encoded: int = 0,
    ) -> None:
        async with self._engine.begin() as connection:
            await jobs.leave(
                connection,
                job.job_id,
                job.attempt,
                status,
                failed=failed,
                needs=needs or [],
                reason=reason,
                delay=delay,
                encoded=encoded,
            )


def _order(kind: JobKind, wanted: str | None, timeline: Timeline, turn: Callable[[], None]) -> Order:
    project_id, version = timeline.project_id, timeline.version
    if kind == "proxy":
        key = str(ProxyKey(project_id, version))
        return Order(timeline=timeline, profile=PROXY, key=key, sync=False, turn=turn)
    profile = next((name for name in EXPORT_FILES if name == wanted), None)
    if profile is None:
        raise UnknownProfileError(f"this build of cutlog has no profile {wanted}")
    key = str(ExportKey(project_id, version, profile))
    return Order(timeline=timeline, profile=EXPORTS[profile], key=key, sync=True, turn=turn)


def _root(error: Exception) -> Exception:
    """The first real error of a group."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
