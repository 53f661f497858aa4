"""Refusals over a budget, and what another service says of one."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Final

import aiohttp
import msgspec
import structlog

from cutlog.auth.credentials import Identity
from cutlog.contract.usage import BudgetUse, UsagePart
from cutlog.web.problems import BUDGET_EXCEEDED, BUDGET_USED_UP, BudgetUsed, Problem

log = structlog.get_logger(__name__)

SECONDS: Final = 5.0
"""Within which a service must answer."""
AGAIN: Final = 2.0
"""Seconds for which a service that did not answer is not asked again."""
REMEMBERED: Final = 10_000


def used_up(budget: str, used: int, limit: int, reset: datetime, detail: str = "") -> Problem:
    """429 until the budget is reset."""
    wait = max(1, math.ceil((reset - datetime.now(UTC)).total_seconds()))
    detail = detail or f"{used} of {limit} {budget} are used; try again at {reset.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    more = BudgetUsed(budget=budget, used=used, limit=limit, reset=reset)
    return BUDGET_USED_UP(detail, more=more, headers={"Retry-After": str(wait)})


def exceeded(budget: str, used: int, limit: int, detail: str) -> Problem:
    """413: waiting does not help."""
    return BUDGET_EXCEEDED(detail, more=BudgetUsed(budget=budget, used=used, limit=limit))


def spent(uses: list[BudgetUse]) -> BudgetUse | None:
    """The first hourly budget of which nothing is left."""
    return next((use for use in uses if use.reset is not None and use.limit is not None and use.now >= use.limit), None)


class PeerUsage:
    """What a service says of a tenant's budgets: asked at most every `stays` seconds, and, after it did not answer, for
    some seconds not at all. `url` is the service's, None where there is none."""

    def __init__(self, url: str | None, identity: Identity, stays: float = 0.0) -> None:
        self._url, self._identity, self._stays = url and url.rstrip("/"), identity, stays
        self._known: OrderedDict[str, tuple[float, list[BudgetUse]]] = OrderedDict()
        self._failed = -AGAIN

    async def of(self, tenant: str) -> list[BudgetUse] | None:
        """Its budgets; None when it does not answer."""
        known = self._known.get(tenant)
        if known is not None and time.monotonic() - known[0] < self._stays:
            return known[1]
        if time.monotonic() - self._failed < AGAIN:
            return None
        found = await self._ask(tenant)
        if found is not None and self._stays:
            self._known[tenant] = time.monotonic(), found
            self._known.move_to_end(tenant)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found

    async def _ask(self, tenant: str) -> list[BudgetUse] | None:
        if self._url is None:
            return None
        url = f"{self._url}/internal/tenants/{tenant}/usage"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
                session.get(url, headers=self._identity.headers()) as response,
            ):
                response.raise_for_status()
                return msgspec.json.decode(await response.read(), type=UsagePart).budgets
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            self._failed = time.monotonic()
            log.warning("usage.unavailable", url=url, why=repr(error))
            return None
