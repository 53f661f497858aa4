"""The admin's HTTP face: what may go, why, by which policy, and who asked when."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import BusError
from cutlog.contract.base import Strict, Wire
from cutlog.contract.ids import Id
from cutlog.web import Api, ListQuery, Page, Problem, Reply, Request, Role, decode_cursor, encode_cursor
from cutlog.web.problems import unavailable
from services.gc import plans, policies
from services.gc.plan import Candidate
from services.gc.plans import Asker, KeyReused, PlanUnknown, Run
from services.gc.policy import Policy, Verdict
from services.gc.reports import Calculate, ExportUnknown, ProjectionBehind, Reports

ROOT = "/api/admin/gc"

SHOWN = 200
"""Candidates in the answer to `calculate`; the rest is in pages."""


class Plan(Wire):
    """A frozen plan. `bytes` would be freed by all `candidateCount` candidates; the first of them follow.

    `next` is a cursor for the list of candidates where there are more. A `simulated` plan was made for a date of the
    caller's choice and is for reading only.
    """

    plan_id: str
    plan_hash: str
    position: int
    policy: Policy
    at: datetime
    simulated: bool
    candidate_count: int
    kept_count: int
    bytes: int
    candidates: list[Candidate]
    next: str | None = None


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


class ExplainQuery(Strict):
    """A plan whose date and policy are to be used, in place of now and the tenant's policy."""

    plan_id: Id | None = None


def make_api(engine: AsyncEngine, reports: Reports) -> Api:
    """The routes of the service. All are for admins, and each admin sees the things of one tenant only."""
    api = Api("gc", title="Garbage collection")
    api.problem(PlanUnknown, status=404, type="not-found")
    api.problem(ExportUnknown, status=404, type="not-found")
    api.problem(KeyReused, status=422, type="idempotency-key-reused")
    api.problem(ProjectionBehind, _behind)
    api.problem(BusError, lambda _: unavailable("The log does not answer."))

    @api.post(
        f"{ROOT}/calculate",
        role=Role.admin,
        body=Calculate,
        body_optional=True,
        returns={201: Plan},
        problems=(422, 503),
        summary="Calculates what may go",
    )
    async def calculate(req: Request[Calculate | None]) -> Reply:
        """Freezes a plan. Nothing is moved or removed by it, whatever its policy or date."""
        actor = req.actor
        asker = Asker(actor.tenant, actor.subject, req.trace, req.fingerprint, req.idempotency_key)
        plan_id = await reports.calculate(asker, req.body or Calculate())
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
        problems=(404,),
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
        f"{ROOT}/explain/{{export}}",
        role=Role.admin,
        query=ExplainQuery,
        returns={200: Verdict},
        problems=(404, 503),
        summary="Says why an export is kept or may go",
    )
    async def explain(req: Request[None, ExplainQuery]) -> Reply:
        return Reply(200, await reports.explain(req.actor.tenant, req.path["export"], req.query.plan_id))

    @api.get(f"{ROOT}/policy", role=Role.admin, returns={200: Policy}, summary="Shows the tenant's policy")
    async def show_policy(req: Request) -> Reply:
        async with engine.connect() as connection:
            return Reply(200, await policies.current(connection, req.actor.tenant))

    @api.put(
        f"{ROOT}/policy", role=Role.admin, body=Policy, returns={200: Policy}, summary="Changes the tenant's policy"
    )
    async def change_policy(req: Request[Policy]) -> Reply:
        """Takes effect with the next calculation; plans that are frozen keep theirs."""
        async with engine.begin() as connection:
            await policies.change(connection, req.actor.tenant, req.body, req.actor.subject)
        return Reply(200, req.body)

    @api.get(
        f"{ROOT}/runs",
        role=Role.admin,
        query=ListQuery,
        returns={200: Page[Run]},
        summary="Lists who did what, and when",
    )
    async def runs(req: Request[None, ListQuery]) -> Reply:
        before = None if req.query.cursor is None else decode_cursor(req.query.cursor, str)
        async with engine.connect() as connection:
            found = await plans.runs(connection, req.actor.tenant, before, req.query.limit + 1)
        items = found[: req.query.limit]
        return Reply(200, Page(items, encode_cursor(items[-1].run_id) if len(found) > len(items) else None))

    return api


def _next(plan_id: str, shown: int, of: int) -> str | None:
    return encode_cursor((plan_id, shown)) if shown < of else None


def _behind(error: ProjectionBehind) -> Problem:
    return Problem(
        503,
        "projection-behind",
        "The garbage collector has not read the whole log yet",
        str(error),
        headers={"Retry-After": "1"},
    )
