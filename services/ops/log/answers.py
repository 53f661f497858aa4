"""Kept answers are forgotten after a while: an Idempotency-Key is good for a day, and an hour more."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.db.skipping import repeat
from services.ops.log.sql import statement

KEPT_HOURS: Final = 25
"""Clients may send a request again for 24 hours; the rest is for clocks and slow requests."""
EVERY: Final = 600.0
"""Seconds from one round to the next."""
PAGE: Final = 5_000

_FORGET: Final = statement("forget")


async def forget_answers(engine: AsyncEngine, hours: int = KEPT_HOURS) -> int:
    """Removes the answers of all tenants that are older; how many there were. Database time counts."""
    forgotten = 0
    while True:
        async with engine.begin() as connection:
            count = (await connection.exec_driver_sql(_FORGET, (hours, PAGE))).rowcount
        forgotten += count
        if count < PAGE:
            return forgotten


async def forgetting(engine: AsyncEngine, stop: asyncio.Event) -> None:
    """Does so now and then until `stop` is set. What fails is tried again in the next round."""
    await repeat("ops.answers", partial(forget_answers, engine), EVERY, stop)
