"""What a tenant holds of its budgets of bytes and files, and the most that it held this hour, day and month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.amounts import UsedAmount
from cutlog.contract.usage import LARGEST, Budget, BudgetUse, ProjectUse
from cutlog.web.usage import Limit
from services.gc.sql import statement

BUDGETS: Final[tuple[Budget, ...]] = ("originalBytes", "files", "derivedBytes")
#: All projects together, and what belongs to none.
WHOLE: Final = ""

_HELD: Final = statement("held")
_KEEP: Final = statement("held_keep")
_OVER: Final = statement("held_over")
_MOST: Final = statement("held_most")

Held = Mapping[tuple[str, str], int]
"""Amounts by budget and project; those of WHOLE are of all."""


async def held(connection: AsyncConnection, tenant: str) -> Held:
    """What there is now."""
    found: Counter[tuple[str, str]] = Counter({(budget, WHOLE): 0 for budget in BUDGETS})
    for row in await connection.execute(_HELD, {"tenant": tenant}):
        found[row.budget, WHOLE] += row.amount
        if row.project_id != WHOLE:
            found[row.budget, row.project_id] = row.amount
    return found


async def roll_up(connection: AsyncConnection, tenant: str) -> None:
    """Keeps what there is, if it is the most of this hour."""
    rows = [(budget, project, amount) for (budget, project), amount in (await held(connection, tenant)).items()]
    await connection.execute(_KEEP, {"tenant": tenant, "held": msgspec.json.encode(rows).decode()})


async def over(connection: AsyncConnection, tenant: str) -> dict[datetime, list[UsedAmount]]:
    """What was held in hours that are over, where it differs from the hour before: each told once, for the caller to
    report in the same transaction."""
    found: dict[datetime, list[UsedAmount]] = {}
    for row in await connection.execute(_OVER, {"tenant": tenant}):
        amount = UsedAmount(budget=row.budget, project_id=row.project_id, amount=row.amount)
        found.setdefault(row.hour, []).append(amount)
    return found


async def usage(connection: AsyncConnection, tenant: str, limit: Limit) -> list[BudgetUse]:
    """What the tenant holds, and held."""
    now = await held(connection, tenant)
    most = {
        (row.budget, row.project_id): (int(row.hour), int(row.day), int(row.month))
        for row in await connection.execute(_MOST, {"tenant": tenant})
    }

    def use(budget: str, project: str) -> ProjectUse:
        amount = now.get((budget, project), 0)
        hour, day, month = (max(amount, past) for past in most.get((budget, project), (0, 0, 0)))
        return ProjectUse(project_id=project, hour=hour, day=day, month=month)

    found = []
    for budget in BUDGETS:
        whole = use(budget, WHOLE)
        names = {project for name, project in (*now, *most) if name == budget and project != WHOLE}
        projects = sorted((use(budget, name) for name in names), key=lambda each: (-each.month, each.project_id))
        found.append(
            BudgetUse(
                budget=budget, held=True, limit=limit(tenant, budget), now=now.get((budget, WHOLE), 0),
                hour=whole.hour, day=whole.day, month=whole.month, reset=None, projects=projects[:LARGEST],
            )
        )  # fmt: skip
    return found
