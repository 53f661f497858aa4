"""Hourly budgets: whether a tenant has anything left."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.db import usage
from services.render.errors import UsedUpError
from services.render.queue.jobs import Share


class Hourly:
    """By the limits of each tenant, or else of `*`."""

    def __init__(self, engine: AsyncEngine, limits: Mapping[str, Share]) -> None:
        self._engine, self._limits = engine, limits

    async def admit(self, tenant: str) -> None:
        """Raises UsedUpError."""
        limits = (self._limits.get(tenant) or self._limits["*"]).per_hour
        async with self._engine.connect() as connection:
            used = await usage.this_hour(connection, tenant)
            for budget, limit in limits.items():
                if used.get(budget, 0) >= limit:
                    reset = usage.next_hour(await usage.clock(connection))
                    raise UsedUpError(budget, used.get(budget, 0), limit, reset)
