"""Publishes the log to the stream EVENTS so that a message's sequence is its event's position.

The relay keeps no cursor: the stream's last sequence is the cursor, and PostgreSQL is what is true. JetStream may lose
anything, all of its directory included, and is made whole from the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
from nats.errors import Error as NatsError
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus.connection import Bus
from cutlog.bus.errors import BusError
from cutlog.bus.lag import Lag
from cutlog.bus.streams import stream_info
from cutlog.contract.envelope import RawEvent
from cutlog.contract.subjects import EVENTS
from cutlog.db.lead import lead
from cutlog.db.leases import Lease
from cutlog.db.standing import Standing
from cutlog.process.stopping import stops_within
from services.ops.log.news import Grown
from services.ops.log.read import LogReader
from services.ops.log.stream import Counts, EventStream, StreamAheadError, last_foreign
from services.ops.log.told import Told

log = structlog.get_logger(__name__)

POLL: Final = 1.0
"""Seconds after which the relay looks for events that nobody told it of."""
LOOK_AGAIN: Final = 5.0
"""Seconds between two looks at the stream itself."""
STALLED: Final = 15.0
"""Seconds without a round after which the service is not ready."""
ALARM: Final = 3600.0
"""Seconds for which health tells of a foreign message."""


@dataclass
class RelayState(Counts):
    """For status and metrics. `published`: the last position known to be in the stream; `rests`: whether that is all
    that the relay knows of."""

    leads: bool = False
    published: int = 0
    rests: bool = False
    error: str | None = None


class Relay:
    """One of all processes publishes; the others wait to take over. `wake()` says that there is something new."""

    def __init__(self, bus: Bus, engine: AsyncEngine, *, look_again: float = LOOK_AGAIN, poll: float = POLL) -> None:
        self._bus, self._engine, self._look_again, self._poll = bus, engine, look_again, poll
        self._wake = asyncio.Event()
        self._told, self._look = Told(), True
        self.state = RelayState()
        self.standing = Standing("relay", rounds=STALLED)
        self.lag = Lag("relay")

    def wake(self, grown: Grown = (), told: Sequence[RawEvent] = ()) -> None:
        """The log has grown, here or in another process, by the events that are `told`, or by others as well."""
        if told and self.state.leads:
            self._told.add(told)
        else:
            self._look = True
        self._wake.set()

    async def check(self) -> None:
        """Readiness: raises BusError with the way out as long as nothing may be published, and NotReady where no
        process publishes, or where more and more waits for it."""
        if self.state.error is not None:
            raise BusError(self.state.error)
        await self.standing.check()
        await self.lag.check()

    async def alarms(self) -> list[str]:
        """For health, in whichever process: what the relay put right and somebody should look into. Raises BusError."""
        at = await last_foreign(self._bus)
        return [] if at is None or (datetime.now(UTC) - at).total_seconds() > ALARM else ["foreign-message"]

    async def look(self) -> None:
        """To be awaited before the first append is taken: raises StreamAheadError, upon which none may be."""
        async with self._engine.connect() as connection:
            await EventStream(self._bus, connection).look()

    async def run(self, stop: asyncio.Event) -> None:
        """Publishes until `stop` is set.

        Raises StreamAheadError, having said so in the log and in `state.error`. The service has to end then: appending
        to such a log would hide that history was lost.
        """
        waking = asyncio.create_task(self._wake_at(stop))
        watching = asyncio.create_task(self.lag.watch(self._measure, stop))
        try:
            await lead(self._engine, self.standing.name, stop, partial(self._lead, stop), standing=self.standing)
        except StreamAheadError as error:
            self.state.error = str(error)
            log.critical("relay.stream_ahead", last=error.last, head=error.head, remedy=str(error))
            raise
        finally:
            waking.cancel()
            watching.cancel()

    async def _measure(self) -> tuple[int, int]:
        """Where the stream ends, and where the log does."""
        info = await stream_info(self._bus, EVENTS)
        return (0 if info is None else info["state"]["last_seq"]), await LogReader(self._engine).head()

    async def _lead(self, stop: asyncio.Event, lease: Lease) -> None:
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            self._told.clear()
            await self._publish(EventStream(self._bus, connection, self._told, self.state), stop, lease)

    async def _publish(self, stream: EventStream, stop: asyncio.Event, lease: Lease) -> None:
        loop = asyncio.get_running_loop()
        sync_at, look = loop.time(), True
        self.state.leads = True
        try:
            while not stop.is_set():
                self._wake.clear()
                self.state.rests = False
                look, self._look = look or self._look, False
                try:
                    lease.check()
                    if loop.time() >= sync_at:
                        await stream.sync()
                        sync_at = loop.time() + self._look_again
                    more = await stream.publish(look=look)
                except (BusError, NatsError) as error:
                    log.warning("relay.resyncing", why=str(error), published=stream.last)
                    sync_at, look = loop.time(), True
                    await stops_within(stop, 0.1)
                    continue
                self.state.published = stream.last
                lease.completed()
                self.state.rests = not more
                look = more or not await _set_within(self._wake, self._poll)
        finally:
            self.state.leads = self.state.rests = False
            await stream.close()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it was."""
    try:
        return await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
