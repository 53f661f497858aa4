"""The cron line of a policy: when a plan is due."""

from __future__ import annotations

from datetime import datetime

from croniter import croniter

from cutlog.web import Problem, ProblemError
from services.gc.policy import Policy


def check(policy: Policy) -> None:
    """Raises Problem 422 at `/schedule` for what is no cron line of five fields."""
    if policy.schedule and not (len(policy.schedule.split()) == 5 and croniter.is_valid(policy.schedule)):
        detail = "not a cron line; give minute, hour, day, month and weekday, such as 0 3 * * 0, or nothing"
        raise Problem(422, "invalid-request", "The request is not valid", errors=[ProblemError("/schedule", detail)])


def last_due(schedule: str, at: datetime) -> datetime | None:
    """The last moment at or before `at` when a plan was due, in UTC; None without a schedule."""
    if not schedule:
        return None
    due: datetime = croniter(schedule, at).get_prev(datetime) if not croniter.match(schedule, at) else at
    return due
