"""Long polls of what renders: told of each change, they look again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from cutlog.contract.jobs import Progress
from services.ops.api.context import Ops

T = TypeVar("T")


async def changed(
    ops: Ops, project_id: str, look: Callable[[], Awaitable[T]], status: Callable[[T], str], seconds: int
) -> T:
    """What there is to see: at once, unless it is queued or rendering; else when that changes, or after so many
    seconds. Looks once, and then when something happens to the project."""
    head = await ops.history.head(project_id)
    seen = await look()
    if head is None or not seconds or status(seen) not in ("queued", "rendering"):
        return seen
    try:
        async with asyncio.timeout(seconds), aclosing(ops.feed.follow(project_id, head.stream_version)) as happening:
            async for each in happening:
                if isinstance(each, Progress) and status(seen) != "queued":
                    continue
                after = await look()
                if status(after) != status(seen):
                    return after
    except TimeoutError:
        pass
    return await look()
