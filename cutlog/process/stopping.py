"""Waiting that ends early when a service stops."""

from __future__ import annotations

import asyncio


async def stops_within(stop: asyncio.Event, seconds: float) -> bool:
    """Waits for `stop`, at most `seconds`; whether it is set."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
