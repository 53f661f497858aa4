"""What is told of a film while it is made: how many of its frames are there, and what took how long."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager

Measured = Callable[[Mapping[str, float], int, int], None]
"""Told of a film: seconds by phase, and how many of its parts the cache had, and how many had to be made."""


def unmeasured(_: Mapping[str, float], found: int, made: int) -> None:
    """Nobody wants to know."""


Tell = Callable[[int], None]
"""Told how many of the film's frames are there, about four times a second."""


class Tally:
    """Frames that are there: those that were, and those encoded since."""

    def __init__(self, tell: Tell, frames: int, missing: int) -> None:
        self._tell = tell
        self._there = frames - missing
        self._made: dict[Hashable, int] = {}
        self.encoded = 0

    def note(self, run: Hashable, frames: int) -> None:
        self._made[run] = frames
        self._tell(self._there + sum(self._made.values()))

    def kept(self, frames: int) -> None:
        """So many frames more were encoded, and are in the cache."""
        self.encoded += frames


class Phases:
    """Seconds that each phase took; `encode` and `sound` run side by side. Parts that were `found`, and `made`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.found = self.made = 0

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[phase] = round(self.seconds.get(phase, 0.0) + time.monotonic() - began, 4)

    async def of(self, phase: str, work: Awaitable[None]) -> None:
        with self(phase):
            await work
