"""What tenants used of the budgets of one service: for ops, which answers for all, and for Prometheus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.auth.roles import Role
from cutlog.contract.usage import LARGEST, Budget, BudgetUse, UsagePart
from cutlog.db import usage
from cutlog.db.failures import DATABASE_ERRORS
from cutlog.web.api import Api
from cutlog.web.reply import Reply
from cutlog.web.request import Request

Look = Callable[[str], Awaitable[list[BudgetUse]]]
"""What a tenant used of the budgets that this service knows."""
Limit = Callable[[str, Budget], int | None]
"""The limit of a tenant's budget."""


def usage_route(api: Api, look: Look) -> None:
    """Adds the route that ops asks."""

    @api.get(
        "/internal/tenants/{tenant}/usage",
        role=Role.service,
        callers=("ops", "media"),
        returns={200: UsagePart},
        summary="What a tenant used of the budgets of this service",
    )
    async def show(req: Request) -> Reply:
        return Reply(200, UsagePart(budgets=await look(req.path["tenant"])))


def usage_of(engine: AsyncEngine, budgets: Sequence[Budget], limit: Limit) -> Look:
    """Looks up hourly budgets."""

    async def look(tenant: str) -> list[BudgetUse]:
        async with engine.connect() as connection:
            return await hourly(connection, tenant, budgets, limit)

    return look


async def hourly(connection: AsyncConnection, tenant: str, budgets: Sequence[Budget], limit: Limit) -> list[BudgetUse]:
    """Hourly budgets, from the sums of finished slices."""
    found = await usage.used(connection, tenant)
    now = await usage.clock(connection)
    parts = []
    for budget in budgets:
        projects = found.get(budget, [])
        hour, day, month = (sum(getattr(each, of) for each in projects) for of in ("hour", "day", "month"))
        parts.append(
            BudgetUse(
                budget=budget, held=False, limit=limit(tenant, budget), now=hour, hour=hour, day=day, month=month,
                reset=usage.next_hour(now), projects=projects[:LARGEST],
            )
        )  # fmt: skip
    return parts


def usage_gauge(registry: CollectorRegistry) -> Gauge:
    """What tenants used, as the service's own metric."""
    return Gauge(
        "cutlog_usage", "What a tenant used of a budget this hour, day and month (UTC)",
        ["tenant", "budget", "period"], registry=registry,
    )  # fmt: skip


class UsageMetrics:
    """Hourly budgets of all tenants."""

    def __init__(self, engine: AsyncEngine, registry: CollectorRegistry) -> None:
        self._engine = engine
        self._used = usage_gauge(registry)

    async def look(self) -> None:
        """Reads the sums. While the database is unavailable they keep their last values."""
        with suppress(*DATABASE_ERRORS):
            async with self._engine.connect() as connection:
                rows = await usage.totals(connection)
            self._used.clear()
            for row in rows:
                for period, amount in (("hour", row.hour), ("day", row.day), ("month", row.month)):
                    self._used.labels(row.tenant, row.budget, period).set(amount)
