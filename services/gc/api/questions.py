"""The admin's HTTP face: what may go, why, by which policy, and who asked when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.auth.actor import DEFAULT_TENANT
from cutlog.contract.answers.collection import Candidate, Plan, Policy, Verdict
from cutlog.contract.base import Strict, Wire
from cutlog.contract.events import PolicyLevel
from cutlog.contract.ids import Id
from cutlog.web import Api, ListQuery, Reply, Request, Role, decode_cursor, encode_cursor
from cutlog.web.problems import FORBIDDEN, NOT_FOUND
from services.gc.api.problem_types import OBJECT_UNREADABLE, PROJECTION_BEHIND
from services.gc.api.problems import map_problems
from services.gc.background import schedule
from services.gc.report import downloads, plans, policies
from services.gc.report.plans import KeyedBehalf
from services.gc.report.reports import Calculate, CommandSink, Reports

ROOT: Final = "/api/admin/gc"

SHOWN = 200
"""Candidates in the answer to `calculate`; the rest is in pages."""


class Candidates(Wire):
    """One page of a plan, with what identifies the plan."""

    plan_id: str
    plan_hash: str
    position: int
    at: datetime
    simulated: bool
    candidate_count: int
    bytes: int
    items: list[Candidate]
    next: str | None = None


class CandidatesQuery(ListQuery):
    """Which plan; the newest one that is no simulation if none is named. A cursor stays with the plan it came from."""

    plan_id: Id | None = None


class DownloadQuery(Strict):
    """As what."""

    format: Literal["json", "csv"] = "json"


class PolicyQuery(Strict):
    """Whose policy."""

    level: PolicyLevel = "tenant"


class ExplainQuery(Strict):
    """A plan whose date and policy are to be used, in place of now and the tenant's policy."""

    plan_id: Id | None = None


class ExplainAnyQuery(ExplainQuery, kw_only=True):
    """Which object, as `id` of a candidate names it."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


def make_api(engine: AsyncEngine, reports: Reports, outbox: CommandSink) -> Api:
    """The routes of the service. All are for admins, and each admin sees the things of one tenant only."""
    api = Api("gc", title="Garbage collection")
    map_problems(api)

    @api.post(
        f"{ROOT}/calculate",
        cost=20,
        role=Role.admin,
        body=Calculate,
        body_optional=True,
        returns={201: Plan},
        problems=(OBJECT_UNREADABLE, PROJECTION_BEHIND),
        summary="Calculates what can be deleted",
    )
    async def calculate(req: Request[Calculate | None]) -> Reply:
        """Creates a plan, which never changes afterwards. This moves and deletes nothing, whatever its policy or date.
        409 while an object that it must read, such as the receipt of a render, can't be read; the detail names it."""
        actor = req.actor
        if req.body and req.body.policy:
            schedule.check(req.body.policy, datetime.now(UTC), "/policy/schedule")
        behalf = behalf_of(req)
        plan_id = await reports.calculate(behalf, req.body or Calculate())
        async with engine.connect() as connection:
            row = await plans.find(connection, actor.tenant, plan_id)
            lines = await plans.candidates(connection, plan_id, 0, SHOWN)
        plan = Plan(
            plan_id=plan_id,
            plan_hash=row.plan_hash,
            position=row.position,
            policy=msgspec.convert(row.policy, Policy),
            at=row.at,
            simulated=row.simulated,
            candidate_count=row.candidates,
            kept_count=row.kept,
            bytes=row.bytes,
            candidates=lines,
            next=_next(plan_id, len(lines), row.candidates),
        )
        return Reply(201, plan)

    @api.get(
        f"{ROOT}/candidates",
        role=Role.admin,
        query=CandidatesQuery,
        returns={200: Candidates},
        problems=(NOT_FOUND,),
        summary="Lists the candidates of a plan",
    )
    async def candidates(req: Request[None, CandidatesQuery]) -> Reply:
        plan_id, after = req.query.plan_id, 0
        if req.query.cursor is not None:
            plan_id, after = decode_cursor(req.query.cursor, tuple[str, int])
        async with engine.connect() as connection:
            row = await plans.find(connection, req.actor.tenant, plan_id)
            lines = await plans.candidates(connection, row.plan_id, after, req.query.limit)
        page = Candidates(
            plan_id=row.plan_id,
            plan_hash=row.plan_hash,
            position=row.position,
            at=row.at,
            simulated=row.simulated,
            candidate_count=row.candidates,
            bytes=row.bytes,
            items=lines,
            next=_next(row.plan_id, after + len(lines), row.candidates) if lines else None,
        )
        return Reply(200, page)

    @api.get(
        f"{ROOT}/plans/{{plan}}/download",
        role=Role.admin,
        query=DownloadQuery,
        returns={200: None},
        problems=(NOT_FOUND,),
        summary="Downloads a whole plan as CSV or JSON",
    )
    async def download(req: Request[None, DownloadQuery]) -> Reply:
        """Streams all candidates. `planHash` is the SHA-256 of the JSON document."""
        async with engine.connect() as connection:
            row = await plans.find(connection, req.actor.tenant, req.path["plan"])
        form = req.query.format
        name = f"{row.plan_id}.{form}"
        chunks = downloads.csv_of(engine, row) if form == "csv" else downloads.json_of(engine, row)
        kind = "text/csv; charset=utf-8" if form == "csv" else "application/json"
        return Reply.stream(200, chunks, kind, {"Content-Disposition": f'attachment; filename="{name}"'})

    @api.get(
        f"{ROOT}/explain",
        role=Role.admin,
        query=ExplainAnyQuery,
        returns={200: Verdict},
        problems=(NOT_FOUND, OBJECT_UNREADABLE, PROJECTION_BEHIND),
        summary="Explains why an object of any class is kept or can be deleted",
    )
    async def explain_any(req: Request[None, ExplainAnyQuery]) -> Reply:
        return Reply(200, await reports.explain(req.actor.tenant, req.query.id, req.query.plan_id))

    @api.get(
        f"{ROOT}/explain/{{export}}",
        role=Role.admin,
        query=ExplainQuery,
        returns={200: Verdict},
        problems=(NOT_FOUND, OBJECT_UNREADABLE, PROJECTION_BEHIND),
        summary="Explains why an export is kept or can be deleted",
    )
    async def explain(req: Request[None, ExplainQuery]) -> Reply:
        """For an archived export: whether it can be deleted, or why not yet."""
        return Reply(200, await reports.explain(req.actor.tenant, req.path["export"], req.query.plan_id))

    @api.get(f"{ROOT}/policy", role=Role.admin, returns={200: Policy}, summary="Shows the tenant's policy")
    async def show_policy(req: Request) -> Reply:
        """The policy of the system if the tenant has none of its own."""
        async with engine.connect() as connection:
            return Reply(200, await policies.current(connection, req.actor.tenant))

    @api.put(
        f"{ROOT}/policy",
        audit="policy.changed",
        role=Role.admin,
        body=Policy,
        query=PolicyQuery,
        returns={200: Policy},
        summary="Changes the policy of the tenant, or of the system",
    )
    async def change_policy(req: Request[Policy, PolicyQuery]) -> Reply:
        """Takes effect with the next calculation; existing plans keep theirs. The policy of the system applies to
        tenants that have none of their own; only admins of the tenant `default` can change it."""
        actor = req.actor
        if req.query.level == "system" and actor.tenant != DEFAULT_TENANT:
            raise FORBIDDEN("Only admins of the tenant `default` can change the policy of the system.")
        schedule.check(req.body, datetime.now(UTC))
        behalf = KeyedBehalf(actor.tenant, actor.subject, req.trace, req.fingerprint)
        async with engine.begin() as connection:
            command = await policies.change(connection, behalf, req.body, req.query.level)
            await outbox.add(connection, command)
        outbox.wake()
        return Reply(200, req.body)

    return api


def _next(plan_id: str, shown: int, of: int) -> str | None:
    return encode_cursor((plan_id, shown)) if shown < of else None


def behalf_of(req: Request[Any, Any]) -> KeyedBehalf:
    """On whose behalf an act is, and by which request."""
    return KeyedBehalf(req.actor.tenant, req.actor.subject, req.trace, req.fingerprint, req.idempotency_key)
