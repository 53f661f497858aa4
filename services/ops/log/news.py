"""What the processes of ops tell each other: which streams have grown, and by which events, if these are few. At most
once and best effort, so nothing may rest on it: who misses it finds out from the log, a little later.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec
import structlog
from nats.aio.msg import Msg

from cutlog.bus.connection import Bus
from cutlog.bus.errors import BusUnavailable
from cutlog.contract.envelope import RawEvent

log = structlog.get_logger(__name__)

SUBJECT: Final = "ops.appended"

Grown = Sequence[tuple[str, int]]
"""Streams, and the version that each is at."""


Hear = Callable[[Grown, Sequence[RawEvent]], None]
"""Takes streams that have grown, and all events by which they did; none, where these are too many."""
MAX_BYTES: Final = 256 << 10
"""Of a message with events."""


class _News(msgspec.Struct, array_like=True):
    """`teller` tells a process its own news."""

    teller: str
    grown: list[tuple[str, int]]
    events: list[RawEvent] = []


_DECODER: Final = msgspec.json.Decoder(_News)


class News:
    """Tells what was appended here, and `hear`s what was appended elsewhere."""

    def __init__(self, bus: Bus, hear: Hear) -> None:
        self._bus, self._hear = bus, hear
        self._name = os.urandom(8).hex()
        self._grown: list[tuple[str, int]] = []
        self._events: list[RawEvent] = []
        self._whole = True
        self._woken = asyncio.Event()

    def tell(self, grown: Grown, events: Sequence[RawEvent] = ()) -> None:
        """This was appended here; it is told soon."""
        self._grown += grown
        self._events += events
        self._whole = self._whole and bool(events)
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Tells and hears until `stop` is set."""
        deaf = await self._bus.subscribe(SUBJECT, self._heard)
        stopping = asyncio.create_task(self._stopped(stop))
        try:
            while not stop.is_set():
                await self._woken.wait()
                self._woken.clear()
                if message := self._message():
                    with suppress(BusUnavailable):
                        await self._bus.publish(SUBJECT, message)
        finally:
            stopping.cancel()
            await deaf()

    def _message(self) -> bytes | None:
        """What there is to tell, if there is anything."""
        grown, self._grown = self._grown, []
        events, self._events = self._events if self._whole else [], []
        self._whole = True
        if not grown:
            return None
        message = msgspec.json.encode(_News(self._name, grown, events))
        return message if len(message) <= MAX_BYTES else msgspec.json.encode(_News(self._name, grown))

    async def _stopped(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()

    async def _heard(self, message: Msg) -> None:
        try:
            news = _DECODER.decode(message.data)
        except msgspec.DecodeError as error:
            log.warning("news.malformed", subject=message.subject, error=str(error))
            return
        if news.teller != self._name:
            self._hear(news.grown, news.events)
