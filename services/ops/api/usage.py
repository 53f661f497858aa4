"""What a tenant used of its budgets: each service answers for what it does, and ops for all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from cutlog.contract.usage import BudgetUse, Usage
from cutlog.web import Api, Reply, Request, Role
from cutlog.web.budgets import PeerUsage
from services.ops.api.context import Ops


def routes(
    api: Api,
    ops: Ops,
    look: Callable[[str], Awaitable[list[BudgetUse]]],
    others: Mapping[str, PeerUsage],
) -> None:
    """Adds the route. `look` knows the budgets of ops itself, `others` those of the other services, by name."""

    @api.get("/api/usage", cost=5, role=Role.viewer, returns={200: Usage}, summary="Shows what was used of each budget")
    async def show(req: Request) -> Reply:
        """This hour, day and month, by project. A service that does not answer is named in `unavailable`, and its
        budgets are missing."""
        tenant = req.actor.tenant
        own, *parts = await asyncio.gather(look(tenant), *(other.of(tenant) for other in others.values()))
        budgets, unavailable = list(own or []), []
        for name, part in zip(others, parts, strict=True):
            if part is None:
                unavailable.append(name)
            else:
                budgets += part
        return Reply(200, Usage(at=ops.now(), budgets=budgets, unavailable=unavailable))
