"""Keeps projections up to date.

Every projection reads all of EVENTS and picks what it wants itself: so its checkpoint is a position of the log, a lag
is a difference, and a gap shows. The rules, by position and by the consumer's own count of deliveries:

- at or below the checkpoint: a duplicate, skipped; but the consumer's very first delivery there means that an operator
  reset it: history is applied again from that position;
- a message that the relay did not seal: foreign, and as good as none at that position;
- beyond the checkpoint + 1: a gap, read from ops (a message that JetStream lost or cannot read, or delivers later);
  what a process that died had in hand is read in the same way when the next one begins;
- a type this build does not know: the projection stops and says so. Nothing is ever skipped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final

import msgspec
import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus import messages
from cutlog.bus.connection import Bus
from cutlog.bus.errors import BusError
from cutlog.bus.history import read_history, read_seal
from cutlog.bus.projection import Projection, ProjectionStopped
from cutlog.bus.provision import own_consumer
from cutlog.bus.pull import ConsumerGone, Pull
from cutlog.bus.streams import stream_info
from cutlog.bus.tables import checkpoint
from cutlog.contract.envelope import Event, RawEvent, UnknownEventTypeError
from cutlog.contract.subjects import EVENTS
from cutlog.db.failures import DATABASE_ERRORS, is_away
from cutlog.db.lead import lead
from cutlog.db.leases import TERMS, Lease
from cutlog.process.stopping import stops_within
from cutlog.process.tracing import span

log = structlog.get_logger(__name__)

ATTEMPTS: Final = 5
"""How often a batch that fails for a reason of its own is tried before the projection stops."""
BEHIND: Final = 10
"""Batches that are taken at once where there are so many: many events of one project change its row once."""
FEW: Final = 50
"""Events that cost less than their transaction. What follows them is waited for, so that it comes together."""


class _Moved(Exception):
    """Somebody else moved the checkpoint."""


async def consume(bus: Bus, projection: Projection, stop: asyncio.Event) -> None:
    """Keeps the projection up to date until `stop` is set. One process at a time does; the others wait to take over.

    Returns early, with the reason in the log and in `projection.standing`, when an event cannot be applied.
    """

    async def work(lease: Lease) -> None:
        try:
            await _Run(bus, projection, lease, stop).run()
        except (UnknownEventTypeError, ProjectionStopped) as error:
            why = f"unknown event type {error}" if isinstance(error, UnknownEventTypeError) else str(error)
            projection.note(state="stopped", error=why)
            log.error("projection.stopped", projection=projection.name, position=projection.standing.position, why=why)
        except Exception as error:
            projection.note(state="retrying", error=f"{type(error).__name__}: {error}")
            raise
        finally:
            if projection.standing.state == "running":
                projection.note(state="waiting")

    async def measure() -> tuple[int, int]:
        async with projection.engine.connect() as connection:
            done = (await connection.execute(_checkpoint(projection.name))).one().position
        info = await stream_info(bus, EVENTS)
        return done, 0 if info is None else info["state"]["last_seq"]

    expected = (BusError, NatsError, ConsumerGone, _Moved)
    watching = asyncio.create_task(projection.lag.watch(measure, stop))
    try:
        await lead(projection.engine, projection.led.name, stop, work, standing=projection.led, expected=expected)
    finally:
        watching.cancel()


class _Run:
    """One spell as the process that keeps the projection."""

    def __init__(self, bus: Bus, projection: Projection, lease: Lease, stop: asyncio.Event) -> None:
        self._bus, self._projection, self._lease, self._stop = bus, projection, lease, stop
        self._at = 0
        self._reacted = 0
        self._seal = b""

    async def run(self) -> None:
        while not self._stop.is_set():
            await self._load()
            self._seal = await read_seal(self._bus)
            made = await self._stream_made()
            info = await own_consumer(self._bus, EVENTS, self._projection.durable, self._at + 1)
            self._projection.note(state="running", error=None, position=self._at, reacted=self._reacted)
            if info["num_ack_pending"]:  # a process that died had them in hand: they would come again after ACK_WAIT
                await self._fill(info["delivered"]["stream_seq"] + 1)
            try:
                await self._pull()
            except ConsumerGone:
                log.warning("projection.consumer_lost", projection=self._projection.name, position=self._at)
                if await self._stream_made() == made:  # somebody deleted it, and may be about to make it anew
                    await stops_within(self._stop, self._projection.grace)

    async def _stream_made(self) -> str | None:
        """When EVENTS was made: it tells one stream of that name from the next."""
        info = await stream_info(self._bus, EVENTS)
        return None if info is None else str(info["created"])

    async def _pull(self) -> None:
        batch = self._projection.batch
        async with Pull(
            self._bus, EVENTS, self._projection.durable, room=lambda held: BEHIND * batch - held, step=batch
        ) as pull:
            stopped = asyncio.create_task(self._stop.wait())
            stopped.add_done_callback(lambda _: pull.wake())
            loop = asyncio.get_running_loop()
            try:
                while not self._stop.is_set():
                    taken, began = await pull.take(BEHIND * batch, timeout=5.0), loop.time()
                    self._lease.check()
                    if taken:
                        await self._absorb(taken)
                    self._lease.completed()
                    if 0 < len(taken) < FEW and (rest := began + self._projection.pace - loop.time()) > 0:
                        await stops_within(self._stop, rest)
            finally:
                stopped.cancel()

    async def _absorb(self, taken: list[Msg]) -> None:
        """Takes in what was delivered, then acknowledges all of it at once."""
        fresh: list[RawEvent] = []
        at, duplicates, last = self._at, 0, taken[0]
        for message in taken:
            place = messages.place(message.reply)
            if place.consumer == 1 and place.stream <= at:
                await self._apply(fresh)
                await self._rewind(place.stream)
                fresh, at = [], self._at
            if place.stream <= at:
                duplicates += 1
                continue
            if place.stream > at + 1:
                await self._apply(fresh)
                await self._fill(place.stream)
                fresh = []
                if self._stop.is_set():
                    return
            at, last = place.stream, message
            if self._is_event(message, at):
                fresh.append(messages.read(message, at))
                continue
            await self._apply(fresh)
            await self._fill(at + 1)
            fresh = []
            if self._stop.is_set():
                return
        await self._apply(fresh)
        if duplicates:
            self._projection.note(duplicates=self._projection.standing.duplicates + duplicates)
            last = max(taken, key=lambda message: messages.place(message.reply).stream)
        await last.ack()

    def _is_event(self, message: Msg, position: int) -> bool:
        """Whether the relay published it. Whoever else did so wrote no history: ops has what belongs there, at once or
        once it is appended, and the relay makes the stream anew meanwhile."""
        if messages.is_genuine(self._seal, message.subject, position, message.headers, message.data):
            return True
        projection = self._projection
        projection.note(foreign=projection.standing.foreign + 1)
        log.error(
            "projection.foreign_message", projection=projection.name, sequence=position, subject=message.subject,
            size=len(message.data),
        )  # fmt: skip
        return False

    async def _rewind(self, position: int) -> None:
        """An operator asked for a replay from `position`."""
        projection = self._projection
        log.info("projection.replaying", projection=projection.name, position=position, checkpoint=self._at)
        back = position - 1 if projection.reset is None else 0
        async with projection.engine.begin() as connection:
            await self._lock(connection)
            if projection.reset is not None:
                await projection.reset(connection)
            await self._move(connection, back)
        self._at = back
        projection.note(position=back, replays=projection.standing.replays + 1)

    async def _fill(self, before: int) -> None:
        """Reads from ops what JetStream did not deliver, up to the position `before` the one that it did."""
        if self._at + 1 < before:
            log.warning("projection.gap_filled", projection=self._projection.name, after=self._at, before=before)
        while self._at + 1 < before and not self._stop.is_set():
            events = await read_history(self._bus, self._at + 1, limit=min(1000, before - self._at - 1))
            await self._apply(events)
            self._projection.note(filled=self._projection.standing.filled + len(events))

    async def _apply(self, events: list[RawEvent]) -> None:
        """Applies what comes before the first event that cannot be applied; then raises ProjectionStopped or
        UnknownEventTypeError. Raises _Moved, and what says that the database is away."""
        wanted, broken = self._decoded(events)
        if broken is not None:
            events = events[: broken[0].position - self._at - 1]
        if events:
            await self._apply_decoded(events, wanted)
        if broken is not None:
            raise broken[1]

    def _decoded(self, events: Sequence[RawEvent]) -> tuple[list[Event], tuple[RawEvent, Exception] | None]:
        """The events that the projection wants, up to the first that cannot be read, and why it cannot."""
        decoded: list[Event] = []
        for event in events:
            try:
                if self._projection.wants(event):
                    decoded.append(event.decode())
            except UnknownEventTypeError as error:
                return decoded, (event, UnknownEventTypeError(f"{error} at position {event.position}"))
            except msgspec.ValidationError as error:
                why = f"event {event.position} ({event.type}) is not what its type says: {error}"
                return decoded, (event, ProjectionStopped(why))
        return decoded, None

    async def _apply_decoded(self, events: list[RawEvent], wanted: list[Event], attempt: int = 1) -> None:
        """All at once, or in halves until the one that fails is found; it is tried again before all stops."""
        assert events[0].position == self._at + 1, f"events {events[0].position}… do not follow {self._at}"
        try:
            await self._transact(events, wanted)
            return
        except _Moved:
            raise
        except Exception as error:
            if isinstance(error, DATABASE_ERRORS) and is_away(error):
                raise
            where = f"event {events[0].position} of {self._projection.name}"
            log.warning("projection.retrying", first=where, count=len(events), attempt=attempt, why=repr(error))
            if attempt == ATTEMPTS:
                log.exception("projection.blocked", which=where)
                raise ProjectionStopped(f"{where} cannot be applied: {type(error).__name__}: {error}") from error
        if len(events) == 1:
            await stops_within(self._stop, 0.1 * 2 ** (attempt - 1))
            await self._apply_decoded(events, wanted, attempt + 1)
            return
        half = len(events) // 2
        for some in (events[:half], events[half:]):
            last = some[-1].position
            await self._apply_decoded(some, [event for event in wanted if self._at < event.position <= last])

    async def _transact(self, events: list[RawEvent], wanted: list[Event]) -> None:
        """One transaction: the events' rows, their effects if they are new, and the checkpoint."""
        projection = self._projection
        async with projection.engine.begin() as connection:
            await self._lock(connection)
            if wanted:
                await projection.apply(connection, wanted)
            new = [event for event in wanted if event.position > self._reacted]
            if new and projection.react is not None:
                with ExitStack() as spans:
                    for event in new:
                        name = f"{projection.name} {event.type}"
                        spans.enter_context(span(name, event.trace, "consumer", position=event.position))
                    await projection.react(connection, new)
            await self._move(connection, events[-1].position)
        self._at = events[-1].position
        self._reacted = max(self._reacted, self._at)
        projection.note(
            position=self._at, reacted=self._reacted, applied=projection.standing.applied + len(wanted), state="running"
        )

    async def _load(self) -> None:
        async with self._projection.engine.begin() as connection:
            await connection.execute(
                insert(checkpoint).values(name=self._projection.name, position=0, reacted=0).on_conflict_do_nothing()
            )
            self._at, self._reacted = (await connection.execute(_checkpoint(self._projection.name))).one()

    async def _lock(self, connection: AsyncConnection) -> None:
        # A process that is frozen in the middle holds the row no longer than its lease.
        brief = func.set_config("idle_in_transaction_session_timeout", f"{TERMS.lease:.0f}s", True)
        locked = _checkpoint(self._projection.name).add_columns(brief).with_for_update()
        row = (await connection.execute(locked)).one_or_none()
        if row is None or row.position != self._at:
            raise _Moved(f"the checkpoint of {self._projection.name} is not {self._at} any more")

    async def _move(self, connection: AsyncConnection, to: int) -> None:
        await connection.execute(
            update(checkpoint)
            .where(checkpoint.c.name == self._projection.name)
            .values(
                position=to, reacted=func.greatest(checkpoint.c.reacted, to), updated_at=func.clock_timestamp()
            )
        )  # fmt: skip


def _checkpoint(name: str) -> Any:
    return select(checkpoint.c.position, checkpoint.c.reacted).where(checkpoint.c.name == name)
