"""Long jobs on a work queue: as many at once as there are slots, kept alive while they run, put away when hopeless."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from cutlog.bus import messages
from cutlog.bus.connection import Bus, answer
from cutlog.bus.errors import BusError, BusUnavailable
from cutlog.bus.provision import own_consumer, provide
from cutlog.bus.pull import ConsumerGone, Pull
from cutlog.bus.streams import MAX_DELIVER
from cutlog.contract.subjects import JOBS, dead_letter
from cutlog.process.stopping import stops_within

log = structlog.get_logger(__name__)

IN_PROGRESS: Final = 10.0
DELAYS: Final = (1.0, 5.0, 15.0, 30.0)
"""Seconds before a job that failed is delivered for the second, third, … time."""


class Retry(Exception):
    """The job may succeed later: it comes again after `delay` seconds, unless it came MAX_DELIVER times."""

    def __init__(self, reason: str, delay: float | None = None) -> None:
        super().__init__(reason)
        self.delay = delay


class Poison(Exception):
    """The job will never succeed: it goes to DLQ at once."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A job as a worker gets it. `delivery` counts from 1."""

    subject: str
    payload: bytes
    headers: Mapping[str, str]
    delivery: int
    sequence: int


Handle = Callable[[Delivered], Awaitable[None]]


class JobQueue:
    """The work queue JOBS. A job is a subject under `job.` and bytes; whoever finishes it removes it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def prepare(self) -> None:
        """Has ops make JOBS and DLQ unless they are there; whoever misses them here does it."""
        await provide(self._bus)

    async def publish(self, subject: str, payload: bytes, *, key: str, headers: Mapping[str, str] | None = None) -> int:
        """Returns the job's sequence once it is on disk. The same `key` within two minutes is the same job.

        Raises ApiError, BusUnavailable.
        """
        headers = {"Nats-Msg-Id": key, **(headers or {})}
        try:
            reply = await self._bus.request(subject, payload, headers=headers)
        except BusUnavailable:
            await self.prepare()
            reply = await self._bus.request(subject, payload, headers=headers)
        return int(answer(reply.data)["seq"])

    async def work(
        self,
        durable: str,
        handle: Handle,
        stop: asyncio.Event,
        *,
        slots: int,
        cap: float = 6 * 3600.0,
        grace: float = 20.0,
        beat: float = IN_PROGRESS,
    ) -> None:
        """Does the jobs of the consumer `durable`, up to `slots` at once, until `stop` is set.

        `handle` returns: done. It raises Retry or anything unexpected: again later. Poison, or failure number
        MAX_DELIVER: DLQ. A job is cancelled after `cap` seconds (a failure); and, after `stop`, when it needs longer
        than `grace`, upon which another worker gets it at once. Every `beat` seconds the server is told that a job is
        in progress.
        """
        worker = _Worker(self._bus, durable, handle, stop, slots, cap, beat)
        try:
            while not stop.is_set():
                try:
                    await own_consumer(self._bus, JOBS, durable)
                    await worker.pull()
                except (BusError, NatsError, ConsumerGone, OSError) as error:
                    log.warning("job.pull_failed", durable=durable, why=repr(error))
                    await stops_within(stop, 0.5)
        finally:
            await worker.finish(grace)


class _Worker:
    def __init__(
        self, bus: Bus, durable: str, handle: Handle, stop: asyncio.Event, slots: int, cap: float, beat: float
    ) -> None:
        self._bus, self._durable, self._handle = bus, durable, handle
        self._stop, self._slots, self._cap, self._beat = stop, slots, cap, beat
        self._running: set[asyncio.Task[None]] = set()

    async def pull(self) -> None:
        def room(held: int) -> int:
            return 0 if self._stop.is_set() else self._slots - len(self._running) - held

        async with Pull(self._bus, JOBS, self._durable, room=room, step=1) as pull:
            stopping = asyncio.create_task(self._stop.wait())
            stopping.add_done_callback(lambda _: pull.wake())
            try:
                while not self._stop.is_set():
                    for message in await pull.take(self._slots, timeout=5.0):
                        task = asyncio.create_task(self._do(message))
                        self._running.add(task)
                        task.add_done_callback(self._running.discard)
                        task.add_done_callback(lambda _: pull.wake())
            finally:
                stopping.cancel()
                for message in pull.left():
                    await _give_back(message)

    async def finish(self, grace: float) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def _do(self, message: Msg) -> None:
        """One delivery, from the first heartbeat to the last word."""
        place = messages.place(message.reply)
        job = Delivered(message.subject, message.data, message.headers or {}, place.delivered, place.stream)
        if place.delivered > MAX_DELIVER:
            await self._bury(message, job, f"{MAX_DELIVER} workers died while processing it")
            return
        done = asyncio.Event()
        beat = asyncio.create_task(_beat(message, done, self._beat))
        try:
            async with asyncio.timeout(self._cap):
                await self._handle(job)
        except asyncio.CancelledError:
            await _give_back(message)
            raise
        except Poison as error:
            await self._bury(message, job, str(error))
        except Exception as error:
            reason = str(error) if isinstance(error, Retry) else f"{type(error).__name__}: {error}"
            if not isinstance(error, Retry):
                log.exception("job.failed", subject=job.subject, delivery=job.delivery)
            if place.delivered >= MAX_DELIVER:
                await self._bury(message, job, reason)
                return
            delay = error.delay if isinstance(error, Retry) else None
            await _give_back(message, DELAYS[min(place.delivered, len(DELAYS)) - 1] if delay is None else delay)
        else:
            await self._settle(message)
        finally:
            done.set()
            await beat

    async def _settle(self, message: Msg) -> None:
        """Acknowledges until the server has heard: a lost acknowledgement would do the job again."""
        for _ in range(5):
            try:
                await self._bus.request(message.reply, b"+ACK", timeout=2)
                return
            except BusError as error:
                log.info("job.ack_unconfirmed", subject=message.subject, why=str(error))
                if await stops_within(self._stop, 0.2):
                    break

    async def _bury(self, message: Msg, job: Delivered, reason: str) -> None:
        """Puts the whole job on DLQ, then takes it off the queue; in this order, so it is never lost."""
        log.error("job.dead_lettered", subject=job.subject, deliveries=job.delivery, reason=reason)
        headers = {
            **{key: value for key, value in job.headers.items() if not key.startswith("Nats-")},
            "Nats-Msg-Id": f"{JOBS}-{job.sequence}",
            "Cutlog-Reason": " ".join(reason.split())[:1000].encode("ascii", "backslashreplace").decode(),
            "Cutlog-Stream": JOBS,
            "Cutlog-Sequence": str(job.sequence),
            "Cutlog-Subject": job.subject,
            "Cutlog-Deliveries": str(job.delivery),
        }
        try:
            answer((await self._bus.request(dead_letter(job.subject), job.payload, headers=headers)).data)
        except BusError as error:
            log.error("job.dead_letter_failed", why=str(error))
            with suppress(BusError):
                await provide(self._bus)
            await _give_back(message, DELAYS[-1])
            return
        await self._settle(message)


async def _beat(message: Msg, done: asyncio.Event, every: float) -> None:
    # Not ended by cancelling it: the client may swallow that.
    while not await stops_within(done, every):
        with suppress(NatsError):
            await message.in_progress()


async def _give_back(message: Msg, delay: float | None = None) -> None:
    """Asks for the job to be delivered again; were that lost, `ack_wait` would do the same."""
    with suppress(NatsError):
        await message.nak(delay)
