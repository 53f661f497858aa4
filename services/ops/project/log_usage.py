"""What tenants hold of the log, as a metric and, each hour, as an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.amounts import UsedAmount
from cutlog.contract.behalf import Behalf
from cutlog.contract.events import UsageRecorded
from cutlog.contract.ids import random_bytes
from cutlog.db.lead import lead_rounds
from cutlog.db.skipping import Skipping
from cutlog.db.standing import Standing
from services.ops.log.records import LogUnavailableError
from services.ops.project.handling import Handling
from services.ops.project.log_sizes import LogSizes
from services.ops.readmodel.sql import statement

_TENANTS: Final = statement("tenants")
#: Seconds between rounds.
EVERY: Final = 600.0


class LogUsage:
    """One process does: of each tenant, a gauge, and once an hour is over an event of what it changed. Hours before the
    process began are not reported again."""

    def __init__(
        self, engine: AsyncEngine, sizes: LogSizes, handling: Handling, gauge: Gauge, now: Callable[[], datetime]
    ) -> None:
        self._engine, self._sizes, self._handling, self._gauge, self._now = engine, sizes, handling, gauge, now
        self._first = _hour(now())
        self._told: dict[tuple[str, str], int] = {}
        self.standing = Standing("ops.usage")
        self.skipping = Skipping("ops.usage", outages=(LogUnavailableError,))

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        await lead_rounds(self._engine, self.standing, stop, self.once, EVERY)

    async def once(self) -> None:
        """One round."""
        async with self._engine.connect() as connection:
            tenants = [row.tenant for row in await connection.exec_driver_sql(_TENANTS)]
        for tenant in tenants:
            with self.skipping.row(tenant):
                await self._tenant(tenant)

    async def _tenant(self, tenant: str) -> None:
        hour = _hour(self._now()) - timedelta(hours=1)
        for use in await self._sizes.usage(tenant):
            self._gauge.labels(tenant, use.budget, "hour").set(use.hour)
            used = tuple(
                UsedAmount(budget=use.budget, project_id=each.project_id, amount=each.hour)
                for each in use.projects
                if self._told.get((tenant, each.project_id)) != each.hour
            )
            if hour < self._first or not used:
                continue
            event = UsageRecorded(service="ops", hour=hour, used=used)
            trace = f"00-{random_bytes(16).hex()}-{random_bytes(8).hex()}-01"
            await self._handling.usage(event, Behalf(tenant, "ops", trace), f"ops/usage/{tenant}/{hour:%Y-%m-%dT%H}")
            self._told |= {(tenant, each.project_id): each.amount for each in used}


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
