"""How often one subject may ask, or one address fail: a token bucket each (https://en.wikipedia.org/wiki/Token_bucket)."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from cutlog.web.problems import RATE_LIMITED

MAX_BUCKETS: Final = 10_000


@dataclass(frozen=True)
class Rate:
    """Requests per second in the long run, and how many may come at once."""

    per_second: float = 1000.0
    burst: int = 4000


class RateLimiter:
    """Buckets by key, the least recently used forgotten beyond 10,000 of them."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = monotonic, *, of: str = "requests") -> None:
        """`of` names what is counted, for the sentence of a refusal."""
        self._rate, self._of = rate, of
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Takes one token of `key`. Raises Problem 429 with Retry-After in whole seconds when there is none."""
        self.check(key)
        self.charge(key)

    def check(self, key: str) -> None:
        """Raises Problem 429 as `take` does, and takes nothing."""
        tokens = self._tokens(key)
        if tokens >= 1:
            return
        wait = max(1, math.ceil((1 - tokens) / self._rate.per_second))
        detail = f"At most {self._rate.per_second:g} {self._of} per second; try again in {wait} s."
        raise RATE_LIMITED(detail, headers={"Retry-After": str(wait)})

    def charge(self, key: str) -> None:
        """Takes one token of `key`, although there may be none: what was found out too late is owed."""
        self._buckets[key] = (max(self._tokens(key) - 1, -self._rate.burst), self._buckets[key][1])

    @property
    def buckets(self) -> int:
        """How many keys are remembered."""
        return len(self._buckets)

    def _tokens(self, key: str) -> float:
        now = self._clock()
        tokens, since = self._buckets.pop(key, (float(self._rate.burst), now))
        tokens = min(self._rate.burst, tokens + (now - since) * self._rate.per_second)
        self._buckets[key] = (tokens, now)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return tokens
