"""Reading the log from ops, past JetStream."""

from __future__ import annotations

from typing import Final

import msgspec

from cutlog.bus.connection import Bus
from cutlog.bus.errors import BusError
from cutlog.contract.base import Wire
from cutlog.contract.envelope import RawEvent
from cutlog.contract.subjects import EVENTS_READ

MAX_LIMIT: Final = 1000
MAX_BYTES: Final = 4 << 20
NEWEST: Final = 2**53
"""No log comes to this position."""


class ReadEvents(Wire):
    """Asks for events from position `from` on: at most `limit`, about `max_bytes` of JSON, but one at least."""

    start: int = msgspec.field(name="from")
    limit: int = MAX_LIMIT
    max_bytes: int = MAX_BYTES
    seal: bool = False


class Events(Wire, omit_defaults=True):
    """Answers ReadEvents; `events` is empty beyond `head`, the last position of the log. `seal`, where it was
    asked for, is the key in hex under which messages of EVENTS are sealed. None: an ops of an older build does not say
    it."""

    events: tuple[RawEvent, ...]
    head: int | None = None
    seal: str | None = None


_EVENTS: Final = msgspec.json.Decoder(Events)


async def read_seal(bus: Bus) -> bytes:
    """The key under which messages of EVENTS are sealed. Raises BusError."""
    seal = (await _read(bus, ReadEvents(start=NEWEST, limit=1, max_bytes=1, seal=True))).seal
    if seal is None:
        raise BusError("ops runs an older build that does not report how events are sealed")
    return bytes.fromhex(seal)


async def read_history(bus: Bus, start: int, *, limit: int = MAX_LIMIT, max_bytes: int = MAX_BYTES) -> list[RawEvent]:
    """Events from position `start` on, without gaps; at least one. Raises BusError when there are none."""
    request = ReadEvents(start=start, limit=min(limit, MAX_LIMIT), max_bytes=max_bytes)
    events = list((await _read(bus, request)).events)
    if not events or events[0].position != start:
        raise BusError(f"ops has no event at position {start}")
    return events


async def _read(bus: Bus, request: ReadEvents) -> Events:
    reply = await bus.request(EVENTS_READ, msgspec.json.encode(request), timeout=10)
    if (reply.headers or {}).get("Nats-Service-Error-Code"):
        raise BusError(f"ops refused to read events: {(reply.headers or {}).get('Nats-Service-Error')}")
    return _EVENTS.decode(reply.data)
