"""The schedule: when a plan is due, it is calculated and somebody is told. Nothing else happens by itself, ever."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import Any, Final, Protocol

import structlog
from croniter import CroniterError, croniter
from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import BusError
from cutlog.contract.answers.collection import Policy
from cutlog.db.lead import lead_rounds
from cutlog.db.skipping import Skipping
from cutlog.db.standing import Standing
from cutlog.web import ProblemError
from cutlog.web.problems import invalid
from cutlog.web.trace import child_of
from services.gc.report import plans, policies
from services.gc.report.plans import KeyedBehalf
from services.gc.report.reading import ObjectUnreadableError
from services.gc.report.reports import Calculate, ProjectionBehindError, Reports, now
from services.gc.sql import statement

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 15.0
ATTEMPTS: Final = 12
"""How often somebody is told who does not answer; from a minute to hours apart."""

_BEGIN: Final = statement("schedule_begin")
_DUE: Final = statement("schedule_due")
_CALCULATED: Final = statement("schedule_calculated")
_TO_ANNOUNCE: Final = statement("schedule_to_announce")
_ANNOUNCED: Final = statement("schedule_announced")
_NOT_ANNOUNCED: Final = statement("schedule_not_announced")


class Notify(Protocol):
    """Announces a plan to the webhook. Raises OSError if that fails."""

    async def __call__(self, plan: Any, due: datetime) -> None: ...


_RANDOM: Final = re.compile(r"(?<![A-Za-z])[RrHh](?![A-Za-z])")
"""Fields that croniter gives another value each time."""


def check(policy: Policy, at: datetime, pointer: str = "/schedule") -> None:
    """Raises Problem 422 at `pointer` for what is no cron line of five fields, or one of which no run ever comes after
    `at`, such as one on 31 February."""
    line, detail = policy.schedule, ""
    if not line:
        return
    if len(line.split()) != 5 or _RANDOM.search(line) or not croniter.is_valid(line):
        detail = "not a cron line; give minute, hour, day, month and weekday, such as 0 3 * * 0, or nothing"
    else:
        try:
            croniter(line, at).get_next(datetime)
            last_due(line, at)
        except (CroniterError, ValueError, OverflowError):
            detail = "this date never occurs; use days that the months have, such as 0 3 1 * *, or nothing"
    if detail:
        raise invalid(ProblemError(pointer, detail))


def last_due(schedule: str, at: datetime) -> datetime | None:
    """The last moment at or before `at` when a plan was due, in UTC; None without a schedule."""
    if not schedule:
        return None
    minute = at.replace(second=0, microsecond=0)
    if croniter.match(schedule, minute):
        return minute
    due: datetime = croniter(schedule, at).get_prev(datetime)
    return due


class Scheduler:
    """Looks every few seconds what is due. One process at a time does; what was done is on record, so that a restart
    neither loses nor repeats it. What was missed is caught up with once, however often it was missed."""

    def __init__(
        self, engine: AsyncEngine, reports: Reports, registry: CollectorRegistry, notify: Notify | None = None
    ) -> None:
        self._engine, self._reports, self._notify = engine, reports, notify
        self.standing = Standing("gc.schedule")
        self.skipping = Skipping("gc.schedule", outages=(BusError, ProjectionBehindError, ObjectUnreadableError))
        self._plans = Counter(
            "cutlog_gc_scheduled_plans", "Plans calculated by the schedule", ["tenant"], registry=registry
        )
        self._may_go = Gauge(
            "cutlog_gc_plan_bytes", "Bytes that the last scheduled plan would free", ["tenant"], registry=registry
        )
        self._told = Counter(
            "cutlog_gc_notifications", "Webhook deliveries that announce a plan", ["result"], registry=registry
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        await lead_rounds(self._engine, self.standing, stop, self.once, EVERY_SECONDS)

    async def once(self) -> None:
        """Does what is due now."""
        async with self._engine.connect() as connection:
            everybody = await policies.tenants(connection)
        for tenant in everybody:
            try:
                with self.skipping.row(tenant):
                    await self._calculate(tenant)
                    await self._tell(tenant)
            except (ProjectionBehindError, BusError, ObjectUnreadableError) as error:
                log.info("gc.plan_postponed", tenant=tenant, why=str(error))

    async def _calculate(self, tenant: str) -> None:
        async with self._engine.begin() as connection:
            due = last_due((await policies.current(connection, tenant)).schedule, await now(connection))
            if due is None:
                return
            await connection.execute(_BEGIN, {"tenant": tenant, "due": due})
            last: datetime = (await connection.execute(_DUE, {"tenant": tenant})).scalar_one()
        if last >= due:
            return
        behalf = KeyedBehalf(tenant, "schedule", child_of(None), "schedule", f"schedule/{due.isoformat()}")
        plan_id = await self._reports.calculate(behalf, Calculate(), "schedule")
        async with self._engine.begin() as connection:
            await connection.execute(_CALCULATED, {"tenant": tenant, "due": due, "plan_id": plan_id})
            plan = await plans.find(connection, tenant, plan_id)
        self._plans.labels(tenant).inc()
        self._may_go.labels(tenant).set(plan.bytes)
        log.info("gc.plan_scheduled", tenant=tenant, plan=plan_id, candidates=plan.candidates, bytes=plan.bytes)

    async def _tell(self, tenant: str) -> None:
        async with self._engine.connect() as connection:
            found = (await connection.execute(_TO_ANNOUNCE, {"tenant": tenant, "attempts": ATTEMPTS})).one_or_none()
            if found is None:
                return
            plan = await plans.find(connection, tenant, found.plan_id)
        values: dict[str, Any] = {"tenant": tenant, "plan_id": plan.plan_id}
        try:
            if self._notify is not None:
                await self._notify(plan, found.due)
        except OSError as error:
            self._told.labels("failed").inc()
            log.warning("gc.plan_notification_failed", tenant=tenant, plan=plan.plan_id, why=str(error))
            outcome = _NOT_ANNOUNCED
            # Minutes, twice as many each time.
            values |= {"error": str(error)[:500], "pause": 60.0 * 2 ** min(found.attempts, 9)}
        else:
            self._told.labels("told").inc()
            outcome = _ANNOUNCED
        async with self._engine.begin() as connection:
            await connection.execute(outcome, values)
