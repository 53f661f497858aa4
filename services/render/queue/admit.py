"""Decides what is rendered next: one process at a time moves jobs from the table to JetStream."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final

import msgspec
import structlog
from nats.errors import Error as NatsError
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Bus, BusError, JobQueue, Outbox
from cutlog.contract.jobs import JobKind, RenderJob
from cutlog.contract.subjects import EXPORT_JOBS, PROXY_JOBS
from cutlog.db.lead import lead
from cutlog.db.leases import Lease
from cutlog.db.skipping import Skipping
from cutlog.db.standing import Standing
from cutlog.process.stopping import stops_within
from services.render.queue import jobs
from services.render.queue.jobs import Job, Share
from services.render.queue.reports import report

log = structlog.get_logger(__name__)

SUBJECTS: Final[dict[JobKind, str]] = {"proxy": PROXY_JOBS, "export": EXPORT_JOBS}

#: Jobs of a kind that may lie in JetStream without a worker: enough for every worker to find one.
ROOM: Final = 8
#: Seconds after which an admitted job that nobody took is sent again.
PATIENCE: Final = 60.0
#: Seconds between looks at the table when nothing happens.
POLL: Final = 0.5
#: Seconds without a round after which the service is not ready.
STALLED: Final = 30.0
#: What may stand in a subject of NATS.
_TOKEN: Final = re.compile(r"[^\s.*>\x00-\x1f]+")
#: Seconds after a nudge to look: it comes from within a transaction that is not committed yet.
_SOON: Final = (0.002, 0.01, 0.05)


class Admission:
    """`nudge()` says that there may be something to admit; `run` is the loop. `limits` are by tenant."""

    def __init__(self, engine: AsyncEngine, bus: Bus, outbox: Outbox, limits: Mapping[str, Share]) -> None:
        self._limits = {"*": Share(), **limits}
        self._engine, self._queue, self._outbox = engine, JobQueue(bus), outbox
        self._nudged = asyncio.Event()
        self.standing = Standing("render.admission", rounds=STALLED)
        self.skipping = Skipping("render.admission", outages=(BusError, NatsError))
        self._doubtful = True

    def doubt(self) -> None:
        """Messages may have been lost: every admitted job is sent again."""
        self._doubtful = True
        self._nudged.set()

    def nudge(self) -> None:
        self._nudged.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; waits while another process leads, and while the database or the bus is away."""

        async def work(lease: Lease) -> None:
            try:
                while not stop.is_set():
                    lease.check()
                    await self._round(stop)
                    lease.completed()
            finally:
                self._doubtful = True

        name = self.standing.name
        await lead(self._engine, name, stop, work, standing=self.standing, expected=(BusError, NatsError))

    async def _round(self, stop: asyncio.Event) -> None:
        await self.step()
        try:
            async with asyncio.timeout(POLL):
                await self._nudged.wait()
        except TimeoutError:
            return
        self._nudged.clear()
        for pause in _SOON:
            if await self.step() or await stops_within(stop, pause):
                return

    async def step(self) -> int:
        """One look at everything; how many jobs were sent."""
        if self._doubtful:
            await self._queue.prepare()
        sent = 0
        async with self._engine.begin() as connection:
            await jobs.wake(connection)
            for job in await jobs.rescue(connection):
                log.warning("render.worker_died", job=job.job_id, failures=job.failures)
                if job.failures >= jobs.MAX_FAILURES and await jobs.give_up(connection, job):
                    why = f"{job.failures} workers failed or died with it"
                    with self.skipping.row(job.job_id):
                        await self._outbox.add(connection, report(job, digest=job.digest, failed=why))
            late = await jobs.overdue(connection, 0.0 if self._doubtful else PATIENCE)
        self._doubtful = False
        for job in late:
            await self._hand_out(job)
        for kind in SUBJECTS:
            async with self._engine.begin() as connection:
                admitted = await jobs.admit(connection, kind, ROOM, self._limits)
            for job in admitted:
                sent += await self._hand_out(job)
        return sent

    async def _hand_out(self, job: Job) -> bool:
        """Whether a worker can have it. One that no message can be made of fails: it would take the room of others."""
        with self.skipping.row(job.job_id):
            await self._send(job)
            return True
        async with self._engine.begin() as connection:
            await jobs.spoil(connection, job)
        return False

    async def _send(self, job: Job) -> None:
        message = RenderJob(
            job_id=job.job_id,
            kind=job.kind,
            tenant=job.tenant,
            project_id=job.project_id,
            version=job.version,
            attempt=job.admission,
            trace=job.trace,
            export_id=job.export_id,
            profile=job.profile,
        )
        if not (_TOKEN.fullmatch(job.tenant) and _TOKEN.fullmatch(job.project_id)):
            raise ValueError(f"the tenant or the project has no name: {job.tenant!r}, {job.project_id!r}")
        subject = f"{SUBJECTS[job.kind]}.{job.tenant}.{job.project_id}"
        # A row that was lost and made again counts its messages from the first.
        key = f"{job.job_id}.{job.created_at.timestamp():.6f}.{job.admission}"
        await self._queue.publish(subject, encode(message), key=key)


def encode(job: RenderJob) -> bytes:
    return msgspec.json.encode(job)
