"""How work that needs a leader is doing, for readiness."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from cutlog.process.readiness import NotReady

GRACE: Final = 15.0
"""Longer than any takeover takes, in seconds."""
RECENT: Final = 60.0
"""Seconds after which a failure says nothing any more, where the next attempt takes long."""


def now() -> float:
    """Seconds that go on while this process, or the whole machine, is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass
class Standing:
    """As this process sees it. With `rounds`, a leader that completes nothing for so many seconds is not doing its
    work. `grace`: seconds without a leader, or of failing, after which the service is not ready."""

    name: str
    rounds: float | None = None
    grace: float = GRACE
    leads: bool = False
    led_at: float = field(default_factory=now)
    """When somebody was last known to lead."""
    done_at: float = field(default_factory=now)
    """When this process last completed something as the leader, or began to lead."""
    failing_since: float | None = None
    failed_at: float = 0.0
    error: str | None = None

    async def check(self) -> None:
        """Readiness: raises NotReady where nobody leads, or where the leader, being this process, gets nothing done."""
        at = now()
        why = f" ({self.error})" if self.error else ""
        if not self.leads and at - self.led_at > self.grace:
            raise NotReady(f"{self.name}: no process has held the lease for {at - self.led_at:.0f} s{why}")
        if self.failing_since is not None and at - self.failing_since > self.grace and at - self.failed_at < RECENT:
            raise NotReady(f"{self.name} has been failing for {at - self.failing_since:.0f} s{why}")
        if self.leads and self.rounds is not None and at - self.done_at > self.rounds:
            raise NotReady(f"{self.name} has completed nothing for {at - self.done_at:.0f} s")

    def led(self) -> None:
        """Somebody leads."""
        self.led_at = now()

    def begins(self) -> None:
        """This process leads from now on."""
        self.leads, self.done_at = True, now()

    def ends(self) -> None:
        """This process leads no more."""
        self.leads = False

    def completed(self) -> None:
        """Work was done, and nothing is wrong any more."""
        self.done_at = now()
        self.failing_since = self.error = None

    def failed(self, error: BaseException) -> None:
        """The work, or the attempt to lead at it, failed. Only the kind of the error is kept: it may be shown."""
        self.error, self.failed_at = type(error).__name__, now()
        if self.failing_since is None:
            self.failing_since = now()
