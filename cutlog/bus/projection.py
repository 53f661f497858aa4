"""Projections: rows that a service derives from events, with a checkpoint in the same transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.bus import messages
from cutlog.bus.lag import Lag
from cutlog.contract.base import Wire
from cutlog.contract.envelope import Event, RawEvent
from cutlog.db.standing import Standing as LeadStanding

PACE: Final = 0.05

Apply = Callable[[AsyncConnection, Sequence[Event]], Awaitable[None]]
Reset = Callable[[AsyncConnection], Awaitable[None]]


class Standing(Wire):
    """Where a projection is. `state`: waiting (another process leads), running, retrying, stopped."""

    name: str
    durable: str
    state: str = "waiting"
    position: int = 0
    reacted: int = 0
    applied: int = 0
    duplicates: int = 0
    filled: int = 0
    replays: int = 0
    foreign: int = 0
    error: str | None = None
    updated_at: datetime | None = None


class Wanted:
    """Whether the subject of an event matches one of some NATS patterns."""

    def __init__(self, subjects: Sequence[str]) -> None:
        self._patterns = [tuple(pattern.split(".")) for pattern in subjects]
        self._any_entity = all(pattern[2:3] in ((), ("*",), (">",)) for pattern in self._patterns)
        self._known: dict[tuple[str, str], bool] = {}

    def __call__(self, event: RawEvent) -> bool:
        if not self._any_entity:
            return self._match(event)
        kind = (event.stream.partition(".")[0], event.type)
        known = self._known.get(kind)
        if known is None:
            known = self._known[kind] = self._match(event)
        return known

    def _match(self, event: RawEvent) -> bool:
        tokens = messages.subject(event).split(".")
        return any(_matches(pattern, tokens) for pattern in self._patterns)


@dataclass(eq=False)
class Projection:
    """What `consume` keeps up to date. Functions get events in order, in the transaction that moves the checkpoint.

    - `apply(connection, events)` derives rows. Applied again, from any position on, it must lead to the same rows.
    - `reset(connection)` forgets the derived rows. With it, a replay always starts from an empty state and position 1,
      so `apply` may count; without it, `apply` meets rows that are newer than its events.
    - `react(connection, events)` writes what has effects outside (jobs, outbox). It sees each event once, whatever is
      replayed.

    `subjects` are NATS patterns of events, such as `evt.project.*.ExportRendered` or `evt.media.>`.
    """

    name: str
    durable: str
    subjects: Sequence[str]
    engine: AsyncEngine
    apply: Apply
    reset: Reset | None = None
    react: Apply | None = None
    batch: int = 500
    grace: float = 3.0
    """Seconds that an operator who deleted the consumer has to make it anew, before the service does."""
    pace: float = PACE
    """Seconds from one transaction to the next while events come a few at a time."""
    standing: Standing = field(init=False)
    wants: Wanted = field(init=False)
    led: LeadStanding = field(init=False)
    lag: Lag = field(init=False)

    def __post_init__(self) -> None:
        self.standing = Standing(name=self.name, durable=self.durable)
        self.wants = Wanted(self.subjects)
        self.led = LeadStanding(f"projection {self.name}")
        self.lag = Lag(f"projection {self.name}")

    async def check(self) -> None:
        """Readiness: raises ProjectionStopped when it cannot go on, NotReady where no process keeps it up to date or
        its lag grows."""
        if self.standing.state == "stopped":
            raise ProjectionStopped(f"{self.name}: {self.standing.error}")
        await self.led.check()
        await self.lag.check()

    def note(self, **changes: Any) -> None:
        """Changes `standing`."""
        self.standing = msgspec.structs.replace(self.standing, updated_at=datetime.now(UTC), **changes)


class ProjectionStopped(Exception):
    """A projection cannot go on without a newer build or a mended one."""


def _matches(pattern: tuple[str, ...], tokens: list[str]) -> bool:
    for index, part in enumerate(pattern):
        if part == ">":
            return len(tokens) > index
        if index >= len(tokens) or part not in ("*", tokens[index]):
            return False
    return len(tokens) == len(pattern)
