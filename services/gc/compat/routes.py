"""Calculate, archive and delete for frontends of the old backend. What the safety rules forbid is not done, and the
answer gives the reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.contract.answers.internal import Marked
from cutlog.contract.uploads import path_of
from cutlog.web import Api, Reply, Request, Role
from cutlog.web.envelope import Answer, Failure
from services.gc.acts.acting import ActUnderWayError, Outcome
from services.gc.acts.brake import BrakedError
from services.gc.acts.collecting import Collecting
from services.gc.api.problem_types import ACTING, BRAKED, CONFIRMATION_MISSING, NOTHING_MARKED, OBJECT_UNREADABLE
from services.gc.api.questions import behalf_of
from services.gc.compat.reads import archived, candidates, counts, hashes
from services.gc.compat.rows import (
    TAG,
    Calculated,
    CandidateRow,
    CandidatesQuery,
    CompatArchived,
    CompatCalculate,
    CompatCandidates,
    CompatDelete,
    CompatDeleted,
    ErrorRow,
    Selected,
    UnusedVideoRow,
    UnusedVideos,
    megabytes,
)
from services.gc.projection import snapshot
from services.gc.report import plans, policies
from services.gc.report.reports import Calculate as Wish
from services.gc.report.reports import Reports, now

ROOT: Final = "/api/compat/admin/gc"


def routes(api: Api, engine: AsyncEngine, reports: Reports, collecting: Collecting) -> None:
    """Adds the routes."""

    @api.post(
        f"{ROOT}/calculate",
        role=Role.admin,
        body=CompatCalculate,
        body_optional=True,
        returns={200: Answer[Calculated]},
        problems=(OBJECT_UNREADABLE,),
        summary="Marks exports for deletion",
        tag=TAG,
    )
    async def calculate(req: Request[CompatCalculate | None]) -> Reply:
        """Calculates a plan with the tenant's policy and these numbers in it. Nothing is moved or deleted."""
        tenant, wanted = req.actor.tenant, req.body or CompatCalculate()
        async with engine.connect() as connection:
            policy = await policies.current(connection, tenant)
            before = {each.export_id for each in await ready(connection, tenant)}
        numbers = {"ttl_days": wanted.ttl_days, "keep_latest": wanted.keep_latest_n}
        policy = msgspec.structs.replace(
            policy, **{name: value for name, value in numbers.items() if value is not None}
        )
        await reports.calculate(behalf_of(req), Wish(policy=policy))
        async with engine.connect() as connection:
            marked = await ready(connection, tenant)
            counted = await counts(connection, tenant)
        known = sum(each.export_id in before for each in marked)
        data = Calculated(
            total_projects=counted.projects, projects_processed=counted.projects,
            candidates_marked=len(marked) - known, candidates_already_marked=known, exports_pinned=counted.pinned,
            exports_kept=max(0, counted.ready - counted.pinned - len(marked)), errors=(), candidates=tuple(marked),
        )  # fmt: skip
        return Reply(200, Answer(data=data))

    @api.get(
        f"{ROOT}/candidates",
        role=Role.admin,
        query=CandidatesQuery,
        returns={200: Answer[CompatCandidates]},
        summary="Lists marked and archived exports",
        tag=TAG,
    )
    async def listed(req: Request[None, CandidatesQuery]) -> Reply:
        async with engine.connect() as connection:
            latest = await now(connection) - timedelta(days=req.query.older_than_days)
            found = await candidates(connection, req.actor.tenant)
        rows = tuple(each for each in found if each.gc_marked_at <= latest)
        size = sum(each.size for each in rows)
        data = CompatCandidates(count=len(rows), total_size=size, total_size_mb=megabytes(size), candidates=rows)
        return Reply(200, Answer(data=data))

    @api.post(
        f"{ROOT}/archive",
        audit="gc.archived",
        role=Role.admin,
        body=Selected,
        returns={200: Answer[CompatArchived]},
        problems=(NOTHING_MARKED, *ACTING),
        summary="Archives marked exports",
        tag=TAG,
    )
    async def archive(req: Request[Selected]) -> Reply:
        """Each is checked again with the newest plan. 409 with the reasons if none can be archived."""
        tenant, ids = req.actor.tenant, list(dict.fromkeys(req.body.export_ids))
        async with engine.connect() as connection:
            try:
                plan = await plans.find(connection, tenant, None)
            except plans.PlanUnknownError:
                detail = "Nothing is marked yet. Call POST /api/compat/admin/gc/calculate first."
                raise NOTHING_MARKED(detail) from None
        outcome = await collecting.archive(behalf_of(req), plan.plan_id, ids)
        async with engine.connect() as connection:
            moved = await archived(connection, tenant, outcome.done)
        errors = _errors(outcome)
        data = CompatArchived(
            total_requested=len(ids), archived=len(outcome.done), failed=len(errors), errors=errors,
            archived_exports=tuple(moved),
        )  # fmt: skip
        return _answered(data, bool(outcome.done), errors)

    @api.post(
        f"{ROOT}/delete",
        audit="gc.deleted",
        role=Role.admin,
        body=CompatDelete,
        returns={200: Answer[CompatDeleted]},
        problems=(CONFIRMATION_MISSING, BRAKED, *ACTING),
        summary="Deletes archived exports permanently",
        tag=TAG,
    )
    async def delete(req: Request[CompatDelete]) -> Reply:
        """400 without `confirmed`. Each is checked again with its plan, which includes the archive's grace period. 409
        with the reasons if none can be deleted."""
        tenant, ids = req.actor.tenant, list(dict.fromkeys(req.body.export_ids))
        if not req.body.confirmed:
            raise CONFIRMATION_MISSING("Send `confirmed: true` to delete.")
        if req.body.confirm is not None:
            by = dict.fromkeys(ids, req.body.confirm)
        else:
            async with engine.connect() as connection:
                by = await hashes(connection, tenant, ids)
        unplanned = (
            "it was not archived by a plan; archive it first, or send the hash of a plan that includes it as `confirm`"
        )
        errors = [ErrorRow(export_id=each, error=unplanned) for each in ids if each not in by]
        done = freed = 0
        behalf = behalf_of(req)
        for number, confirm in enumerate(dict.fromkeys(by.values())):
            some = [each for each in ids if by.get(each) == confirm]
            key = behalf.key if behalf.key is None or number == 0 else f"{behalf.key[:240]} {number}"
            try:
                outcome = await collecting.delete(msgspec.structs.replace(behalf, key=key), some, confirm)
            except (BrakedError, ActUnderWayError) as error:
                if not done:
                    raise
                errors += [ErrorRow(export_id=each, error=str(error)) for each in some]
                continue
            done, freed = done + len(outcome.done), freed + outcome.bytes_freed
            errors += _errors(outcome)
        data = CompatDeleted(
            total_requested=len(ids), deleted=done, failed=len(errors), space_saved=freed, errors=tuple(errors)
        )
        return _answered(data, bool(done), errors)

    @api.get(
        f"{ROOT}/unused-videos",
        role=Role.admin,
        returns={200: Answer[UnusedVideos]},
        summary="Lists videos that no project uses",
        tag=TAG,
    )
    async def unused(req: Request) -> Reply:
        async with engine.connect() as connection:
            rows = [
                UnusedVideoRow(
                    video_id=media.media_id, title=media.name, file_path=path_of(media.key), size=media.size,
                    ref_count=media.ref_count, created_at=media.uploaded_at,
                )
                async for media in snapshot.media(connection, req.actor.tenant)
                if not media.users
            ]  # fmt: skip
        size = sum(each.size for each in rows)
        data = UnusedVideos(count=len(rows), total_size=size, total_size_mb=megabytes(size), videos=tuple(rows))
        return Reply(200, Answer(data=data))

    @api.get(
        "/internal/tenants/{tenant}/projects/{project}/candidates",
        role=Role.service,
        callers=("ops",),
        returns={200: Marked},
        summary="Which exports of a project are marked",
    )
    async def marked(req: Request) -> Reply:
        async with engine.connect() as connection:
            found = await candidates(connection, req.path["tenant"], req.path["project"])
        return Reply(200, Marked(export_ids=tuple(each.export_id for each in found)))


async def ready(connection: AsyncConnection, tenant: str) -> list[CandidateRow]:
    """What the newest plan names and is not in the archive."""
    return [each for each in await candidates(connection, tenant) if "/archive/" not in each.file_path]


def _errors(outcome: Outcome) -> tuple[ErrorRow, ...]:
    return tuple(ErrorRow(export_id=each.id, error=each.reason) for each in outcome.skipped)


def _answered(data: CompatArchived | CompatDeleted, done: bool, errors: Iterable[ErrorRow]) -> Reply:
    """What came of it: a failure with the reasons as its message where nothing was done, else a success."""
    reasons = "; ".join(dict.fromkeys(f"{each.export_id}: {each.error}" for each in list(errors)[:5]))
    if done or not reasons:
        return Reply(200, Answer(data=data, message=reasons or msgspec.UNSET))
    return Reply(409, msgspec.to_builtins(Failure(message=reasons, error="not-allowed")) | {"data": data})
