"""What the processes of ops tell each other: which streams have grown. At most once and best effort, so nothing may
rest on it: who misses it finds out from the log, a little later.
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

log = structlog.get_logger(__name__)

SUBJECT: Final = "ops.appended"

Grown = Sequence[tuple[str, int]]
"""Streams, and the version that each is at."""


class _News(msgspec.Struct, array_like=True):
    """`teller` tells a process its own news."""

    teller: str
    grown: list[tuple[str, int]]


_DECODER: Final = msgspec.json.Decoder(_News)


class News:
    """Tells what was appended here, and `hear`s what was appended elsewhere."""

    def __init__(self, bus: Bus, hear: Callable[[Grown], None]) -> None:
        self._bus, self._hear = bus, hear
        self._name = os.urandom(8).hex()
        self._grown: list[tuple[str, int]] = []
        self._woken = asyncio.Event()

    def tell(self, grown: Grown) -> None:
        """This was appended here; it is told soon."""
        self._grown += grown
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Tells and hears until `stop` is set."""
        deaf = await self._bus.subscribe(SUBJECT, self._heard)
        stopping = asyncio.create_task(self._stopped(stop))
        try:
            while not stop.is_set():
                await self._woken.wait()
                self._woken.clear()
                grown, self._grown = self._grown, []
                if grown:
                    with suppress(BusUnavailable):
                        await self._bus.publish(SUBJECT, msgspec.json.encode(_News(self._name, grown)))
        finally:
            stopping.cancel()
            await deaf()

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
            self._hear(news.grown)
