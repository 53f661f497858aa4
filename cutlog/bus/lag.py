"""How far something that follows is behind, for readiness: a backlog is no fault, one that does not shrink is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from cutlog.process.readiness import NotReady
from cutlog.process.stopping import stops_within

log = structlog.get_logger(__name__)

WITHIN: Final = 15.0
"""Seconds after which a backlog must have become smaller."""
LOOK: Final = 3.0
"""Seconds between two looks."""

Measure = Callable[[], Awaitable[tuple[int, int]]]
"""How far it has come, and how far it is to come, looked at in this order."""


class Lag:
    """What is there when a span of time begins has to be done when it ends, or less must be left then. Otherwise the
    lag grows."""

    def __init__(self, name: str, within: float = WITHIN, look: float = LOOK) -> None:
        self.name, self._within, self._look = name, within, look
        self._since: float | None = None
        self._mark = self._left = 0
        self._why: str | None = None

    def saw(self, done: int, head: int, at: float) -> None:
        """Takes in a look at the moment `at`, in seconds."""
        left = head - done
        if left <= 0:
            self._since = self._why = None
        elif self._since is None or done >= self._mark:
            self._begin(left, head, at)
        elif at - self._since >= self._within:
            if left < self._left:
                self._begin(left, head, at)
            else:
                self._why = f"{self.name}: {left} events wait, {self._left} did {at - self._since:.0f} s ago"

    def _begin(self, left: int, head: int, at: float) -> None:
        self._since, self._mark, self._left, self._why = at, head, left, None

    async def check(self) -> None:
        """Readiness: raises NotReady while the lag grows."""
        if self._why is not None:
            raise NotReady(self._why)

    async def watch(self, measure: Measure, stop: asyncio.Event) -> None:
        """Looks now and then until `stop` is set. What can't be reached is the business of other checks."""
        loop = asyncio.get_running_loop()
        while not await stops_within(stop, self._look):
            try:
                done, head = await measure()
            except Exception as error:
                log.debug("lag.unknown", name=self.name, why=repr(error))
            else:
                self.saw(done, head, loop.time())
