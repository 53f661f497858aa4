"""How many exports a tenant may have queued and how fast it may ask for more, and how often ids may be tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from cutlog.auth.actor import Actor
from cutlog.hosting.settings import Renders
from cutlog.web import ProblemType, Rate
from cutlog.web.budgets import PeerUsage, exceeded, spent, used_up
from cutlog.web.ratelimit import RateLimiter
from services.ops.decide.refusals import IdUnavailableError
from services.ops.readmodel.reads import Reads

TOO_MANY_EXPORTS: Final = ProblemType(
    "too-many-exports", 429, "Too many exports are queued",
    "100 exports of this tenant are queued; the limit is 100. Try again later.",
)  # fmt: skip
ANYBODY: Final = "*"
_SOON: Final = "30"
"""Seconds after which a tenant with a full queue may ask again."""
ID_TRIES: Final = Rate(per_second=1, burst=60)
"""Ids of a subject that were not available."""


class ExportLimits:
    """By the numbers of the tenant, or else of `*`, and by what render and gc say of its budgets, while they answer."""

    def __init__(self, reads: Reads, numbers: Mapping[str, Renders], render: PeerUsage, gc: PeerUsage) -> None:
        self._reads, self._numbers = reads, numbers
        self._render, self._gc = render, gc
        self._limiters: dict[Rate, RateLimiter] = {}

    async def check(self, tenant: str) -> None:
        """Raises Problem 429 with Retry-After: the queue of the tenant is full, it asks too often, or an hourly budget
        is used up; 413 when there is no room for more."""
        if (use := spent(await self._render.of(tenant) or [])) is not None and use.limit is not None:
            assert use.reset is not None
            raise used_up(use.budget, use.now, use.limit, use.reset)
        for held in await self._gc.of(tenant) or []:
            if held.budget == "derivedBytes" and held.limit is not None and held.now >= held.limit:
                detail = (
                    f"Renditions, proxies, exports and segments of the tenant have {held.now} bytes; they may have "
                    f"{held.limit}. Delete exports and videos that are not needed."
                )
                raise exceeded(held.budget, held.now, held.limit, detail)
        mine = self._numbers.get(tenant) or self._numbers.get(ANYBODY) or Renders()
        queued = await self._reads.queued_exports(tenant)
        if queued >= mine.queued:
            detail = f"{queued} exports of this tenant are queued; the limit is {mine.queued}. Try again later."
            raise TOO_MANY_EXPORTS(detail, headers={"Retry-After": _SOON})
        rate = Rate(per_second=mine.per_minute / 60, burst=mine.per_minute)
        self._limiters.setdefault(rate, RateLimiter(rate)).take(f"exports of {tenant}")


class IdTries:
    """Asking for id after id would tell which ones others have: a subject whose tries failed too often has to wait."""

    def __init__(self, rate: Rate = ID_TRIES) -> None:
        self._limiter = RateLimiter(rate, of="tries for an id")

    @contextmanager
    def one(self, actor: Actor, chosen: str | None, *, dry_run: bool = False) -> Iterator[None]:
        """Around an attempt to make something of that id. Raises Problem 429 with Retry-After, also for an id that is
        available: the refusal must not tell. One that stores nothing counts whatever comes of it."""
        if chosen is None:
            yield
            return
        key = f"{actor.tenant} {actor.subject}"
        self._limiter.check(key)
        if dry_run:
            self._limiter.charge(key)
        try:
            yield
        except IdUnavailableError:
            if not dry_run:
                self._limiter.charge(key)
            raise
