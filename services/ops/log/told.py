"""Events that the processes which appended them told the relay of: it need not read them from the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cutlog.bus.batch import MAX_BATCH
from cutlog.contract.envelope import RawEvent

ROOM: Final = 2 * MAX_BATCH
ROOM_BYTES: Final = 4 << 20
"""Events at most, and bytes of their data. With more, the relay is behind, and reads them many at once."""


class Told:
    """By position. Nothing rests on being told: what is missing here is in the log."""

    def __init__(self) -> None:
        self._events: dict[int, RawEvent] = {}
        self._bytes = 0

    def add(self, events: Iterable[RawEvent]) -> None:
        """These are in the log, at their positions."""
        for event in events:
            size = len(memoryview(event.data))
            if len(self._events) >= ROOM or self._bytes + size > ROOM_BYTES:
                self.clear()  # a gap, for which the log is read
            self._forget(event.position)
            self._events[event.position] = event
            self._bytes += size

    def after(self, position: int) -> list[RawEvent]:
        """Those that follow a position without a gap, as many as fit a batch. Forgets them, and all before them."""
        events: list[RawEvent] = []
        while len(events) < MAX_BATCH and (event := self._forget(position + 1)) is not None:
            events.append(event)
            position += 1
        for old in [each for each in self._events if each <= position]:
            self._forget(old)
        return events

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._events)

    def clear(self) -> None:
        """Forgets all."""
        self._events.clear()
        self._bytes = 0

    def _forget(self, position: int) -> RawEvent | None:
        event = self._events.pop(position, None)
        if event is not None:
            self._bytes -= len(memoryview(event.data))
        return event
