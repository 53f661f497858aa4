"""How often one subject may ask, or one address fail: a token bucket each (https://en.wikipedia.org/wiki/Token_bucket)."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from time import monotonic
from typing import Final

from cutlog.web.problems import RATE_LIMITED, RateUsed

MAX_BUCKETS: Final = 10_000


@dataclass(frozen=True)
class Rate:
    """Requests per second in the long run, and how many may come at once."""

    per_second: float = 1000.0
    burst: int = 4000


@cache
def rate_of(per_second: int) -> Rate:
    """So many per second, and what comes in four of them at once."""
    return Rate(per_second, 4 * per_second)


class RateLimiter:
    """Buckets by key, the least recently used forgotten beyond 10,000 of them."""

    def __init__(
        self, rate: Rate, clock: Callable[[], float] = monotonic, *, of: str = "requests", budget: str = ""
    ) -> None:
        """`of` names what is counted, for the sentence of a refusal; `budget` the budget that it is."""
        self._rate, self._of, self._budget = rate, of, budget
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, cost: int = 1, rate: Rate | None = None) -> None:
        """Takes `cost` tokens of `key`, which has a `rate` of its own or the common one. Raises Problem 429 with
        Retry-After in whole seconds when there are too few."""
        rate = rate or self._rate
        cost = min(cost, rate.burst)
        self.check(key, cost, rate)
        self.charge(key, cost, rate)

    def check(self, key: str, cost: int = 1, rate: Rate | None = None) -> None:
        """Raises Problem 429 as `take` does, and takes nothing."""
        rate = rate or self._rate
        tokens = self._tokens(key, rate)
        if tokens >= cost:
            return
        wait = max(1, math.ceil((cost - tokens) / rate.per_second))
        detail = f"At most {rate.per_second:g} {self._of} per second; try again in {wait} s."
        raise RATE_LIMITED(detail, more=self._used(rate, tokens, wait), headers={"Retry-After": str(wait)})

    def charge(self, key: str, cost: int = 1, rate: Rate | None = None) -> None:
        """Takes tokens of `key`, although there may be none: what was found out too late is owed."""
        rate = rate or self._rate
        self._buckets[key] = (max(self._tokens(key, rate) - cost, -rate.burst), self._buckets[key][1])

    def _used(self, rate: Rate, tokens: float, wait: int) -> RateUsed | None:
        if not self._budget:
            return None
        reset = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=wait)
        used = math.ceil(rate.burst - tokens)
        return RateUsed(budget=self._budget, used=used, limit=int(rate.per_second), reset=reset)

    @property
    def buckets(self) -> int:
        """How many keys are remembered."""
        return len(self._buckets)

    def _tokens(self, key: str, rate: Rate) -> float:
        now = self._clock()
        tokens, since = self._buckets.pop(key, (float(rate.burst), now))
        tokens = min(rate.burst, tokens + (now - since) * rate.per_second)
        self._buckets[key] = (tokens, now)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return tokens
