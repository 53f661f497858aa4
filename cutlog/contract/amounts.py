"""How much was used of what. Pure: a message of the same name in `proto/cutlog/v1/amounts.proto`."""

from __future__ import annotations

from cutlog.contract.base import Wire


class UsedAmount(Wire):
    """`budget` is a name of `CUTLOG_BUDGETS`; `project_id` is empty for what belongs to no project alone."""

    budget: str
    project_id: str
    amount: int
