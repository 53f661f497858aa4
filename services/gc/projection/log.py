"""What the collector asks of the log itself: where it ends."""

from __future__ import annotations

from typing import Final

import msgspec

from cutlog.bus import Bus, BusError
from cutlog.bus.history import Events, ReadEvents
from cutlog.contract.subjects import EVENTS_READ

NEWEST: Final = 2**53
"""No log comes to this position."""
_EVENTS: Final = msgspec.json.Decoder(Events)


class LogAsked:
    """Asks ops, which has every event that was ever acknowledged; the stream may be behind it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def head(self) -> int:
        """The last position of the log. Raises BusError when ops does not answer."""
        question = ReadEvents(start=NEWEST, limit=1, max_bytes=1)
        reply = await self._bus.request(EVENTS_READ, msgspec.json.encode(question))
        if refusal := (reply.headers or {}).get("Nats-Service-Error"):
            raise BusError(f"ops refused to read events: {refusal}")
        head = _EVENTS.decode(reply.data).head
        if head is None:
            raise BusError("ops runs an older build that does not report where the log ends")
        return head
