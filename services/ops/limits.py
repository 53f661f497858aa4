"""How many films a tenant may have queued, and how fast it may ask for more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cutlog.settings import Renders
from cutlog.web import Problem, Rate
from cutlog.web.ratelimit import RateLimiter
from services.ops.readmodel.reads import Reads

ANYBODY: Final = "*"
_SOON: Final = "30"
"""Seconds after which a tenant with a full queue may ask again."""


class ExportLimits:
    """By the numbers of the tenant, or else of `*`."""

    def __init__(self, reads: Reads, numbers: Mapping[str, Renders]) -> None:
        self._reads, self._numbers = reads, numbers
        self._limiters: dict[Rate, RateLimiter] = {}

    async def check(self, tenant: str) -> None:
        """Raises Problem 429 with Retry-After: the queue of the tenant is full, or it asks too often."""
        mine = self._numbers.get(tenant) or self._numbers.get(ANYBODY) or Renders()
        queued = await self._reads.queued_exports(tenant)
        if queued >= mine.queued:
            detail = f"{queued} exports of this tenant wait; at most {mine.queued} may. Try again later."
            raise Problem(429, "too-many-exports", "Too many exports wait", detail, headers={"Retry-After": _SOON})
        rate = Rate(per_second=mine.per_minute / 60, burst=mine.per_minute)
        self._limiters.setdefault(rate, RateLimiter(rate)).take(f"exports of {tenant}")
