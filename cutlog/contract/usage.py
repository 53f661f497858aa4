"""What was used of each budget, as services answer it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from cutlog.contract.base import Wire

Budget = Literal[
    "originalBytes", "files", "derivedBytes", "logBytes", "timelineValues", "editValues", "batchOps", "framesPerHour",
    "pixelsPerHour", "ingestSecondsPerHour", "eventStreams", "requestsPerSecond",
]  # fmt: skip
"""What `CUTLOG_BUDGETS` may limit."""

#: Projects in an answer for each budget: those that used the most this month.
LARGEST: Final = 200


class ProjectUse(Wire):
    """What one project used this hour, day and month; `projectId` is empty for what belongs to no project alone."""

    project_id: str
    hour: int
    day: int
    month: int


class BudgetUse(Wire):
    """What a tenant used of a budget this hour, day and month. Of what is held (`held`), that is the most that was held
    at any time in them, and `now` is what is held now; of the rest `now` is what counts against `limit`, until `reset`.
    `projects` are those that used the most."""

    budget: Budget
    held: bool
    limit: int | None
    now: int
    hour: int
    day: int
    month: int
    reset: datetime | None
    projects: list[ProjectUse]


class UsagePart(Wire):
    """What one service knows."""

    budgets: list[BudgetUse]


class Usage(Wire):
    """What the tenant used of each budget. Hours, days and months are of UTC. `unavailable` names services that did not
    answer, and whose budgets are missing."""

    at: datetime
    budgets: list[BudgetUse]
    unavailable: list[str]
