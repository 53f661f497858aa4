"""Long polls: an answer that waits until there is something else to say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import msgspec

from cutlog.contract.base import Strict

T = TypeVar("T")

EVERY: Final = 0.5
"""Seconds between looks, where nobody tells of a change."""


class Wait(Strict):
    """`wait`: for how many seconds the answer may wait for the work to begin or end. 0: not at all."""

    wait: Annotated[int, msgspec.Meta(ge=0, le=30)] = 0


async def looked(
    look: Callable[[], Awaitable[T]], waits: Callable[[T], bool], seconds: float, every: float = EVERY
) -> T:
    """What there is to see once it `waits` no more, or after so many seconds."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        seen = await look()
        left = end - asyncio.get_running_loop().time()
        if left <= 0 or not waits(seen):
            return seen
        await asyncio.sleep(min(every, left))
