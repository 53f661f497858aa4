"""What the collector asks of the log itself: whether it has read all of it."""

from __future__ import annotations

import msgspec

from cutlog.bus import Bus, BusError
from cutlog.bus.history import Events, ReadEvents
from cutlog.contract.subjects import EVENTS_READ

_EVENTS = msgspec.json.Decoder(Events)


class LogAsked:
    """Asks ops, which has every event that was ever acknowledged; the stream may be behind it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def holds_more_than(self, position: int) -> bool:
        """Whether there is an event beyond `position`. Raises BusError when ops does not answer."""
        question = ReadEvents(start=position + 1, limit=1, max_bytes=1)
        reply = await self._bus.request(EVENTS_READ, msgspec.json.encode(question))
        if refusal := (reply.headers or {}).get("Nats-Service-Error"):
            raise BusError(f"ops refused to read events: {refusal}")
        return bool(_EVENTS.decode(reply.data).events)
