"""`ops.events.read`: the log for whoever has a gap to fill."""

from __future__ import annotations

from typing import Final

import msgspec

from cutlog.bus import EndpointError
from cutlog.bus.history import MAX_BYTES, MAX_LIMIT, Events, ReadEvents
from cutlog.contract.envelope import RawEvent
from services.ops.log.read import LogReader

_REQUEST: Final = msgspec.json.Decoder(ReadEvents)
ENVELOPE: Final = 600
"""Bytes of an event's JSON besides its data, at most about."""


class EventsRead:
    """An endpoint for `cutlog.bus.micro`, to be served as `events.read`."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    async def __call__(self, payload: bytes) -> Events:
        request = _REQUEST.decode(payload)
        if request.start < 1 or not 1 <= request.limit <= MAX_LIMIT or request.max_bytes < 1:
            raise EndpointError("400", f"from must be at least 1, limit 1 to {MAX_LIMIT}, maxBytes at least 1")
        room = min(request.max_bytes, MAX_BYTES)
        events = await self._reader.read(request.start - 1, request.limit, max_bytes=room)
        head, _, seal = await self._reader.ends()
        return Events(events=tuple(_fitting(events, room)), head=head, seal=seal.hex() if request.seal else None)


def _fitting(events: list[RawEvent], room: int) -> list[RawEvent]:
    """As many of the first as have room, but one."""
    for count, event in enumerate(events):
        room -= len(bytes(event.data)) + ENVELOPE
        if room < 0:
            return events[: max(count, 1)]
    return events
