"""Publishes the log to the stream EVENTS so that a message's sequence is its event's position.

The relay keeps no cursor: the stream's last sequence is the cursor, and PostgreSQL is what is true. JetStream may lose
anything, all of its directory included, and is made whole from the log.
"""

from __future__ import annotations

import asyncio
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
from cutlog.contract.subjects import EVENTS
from cutlog.db.lead import lead
from cutlog.db.leases import Lease
from cutlog.db.standing import Standing
from cutlog.process.stopping import stops_within
from services.ops.log.news import Grown
from services.ops.log.read import LogReader
from services.ops.log.stream import EventStream, StreamAheadError, last_foreign

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
class RelayState:
    """For status and metrics. `published`: the last position known to be in the stream; `foreign`: how many messages
    somebody else published there."""

    leads: bool = False
    published: int = 0
    rebuilt: int = 0
    foreign: int = 0
    error: str | None = None


class Relay:
    """One of all processes publishes; the others wait to take over. `wake()` says that there is something new."""

    def __init__(self, bus: Bus, engine: AsyncEngine, *, look_again: float = LOOK_AGAIN) -> None:
        self._bus, self._engine, self._look_again = bus, engine, look_again
        self._wake = asyncio.Event()
        self.state = RelayState()
        self.standing = Standing("relay", rounds=STALLED)
        self.lag = Lag("relay")

    def wake(self, grown: Grown = ()) -> None:
        """The log has grown, here or in another process."""
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
            await self._publish(EventStream(self._bus, connection), stop, lease)

    async def _publish(self, stream: EventStream, stop: asyncio.Event, lease: Lease) -> None:
        loop = asyncio.get_running_loop()
        look_at, known = loop.time(), 0
        self.state.leads = True
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    lease.check()
                    if loop.time() >= look_at:
                        await stream.sync()
                        look_at = loop.time() + self._look_again
                        if (foreign := stream.foreign - known) > 0:
                            known = stream.foreign
                            self.state.foreign += foreign
                    more = await stream.publish()
                except (BusError, NatsError) as error:
                    log.warning("relay.resyncing", why=str(error), published=stream.last)
                    look_at = loop.time()
                    await stops_within(stop, 0.1)
                    continue
                self.state.published, self.state.rebuilt = stream.last, stream.rebuilt
                lease.completed()
                if not more:
                    await _set_within(self._wake, POLL)
        finally:
            self.state.leads = False
            await stream.close()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
