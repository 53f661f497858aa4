"""Exports: ask for one, list, show, cancel, retry."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any

import msgspec

from cutlog.contract.answers.projects import Export, Pinned
from cutlog.contract.base import Strict
from cutlog.contract.profiles import ExportProfile
from cutlog.web import Api, ListQuery, Page, Reply, Request, Role, decode_cursor, encode_cursor
from cutlog.web.problems import BUDGET_EXCEEDED, BUDGET_USED_UP, not_found
from cutlog.web.waiting import Wait
from services.ops.api.context import Ops
from services.ops.api.limits import TOO_MANY_EXPORTS
from services.ops.api.once import keep_unchanged, once
from services.ops.api.problem_types import EMPTY_VERSION, NOT_RENDERING, NOT_RETRYABLE
from services.ops.api.waiting import changed
from services.ops.decide.commands import CancelExport, RetryExport
from services.ops.decide.project import exported
from services.ops.project.asked import Export as ExportAsked
from services.ops.project.results import Done, Exporting


class NewExport(Strict):
    """The newest version, unless one is named."""

    version: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    profile: ExportProfile = "mp4"


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.post(
        "/api/projects/{project}/export",
        cost=5,
        role=Role.editor,
        body=NewExport,
        body_optional=True,
        returns={202: Export, 200: Export},
        problems=(EMPTY_VERSION, TOO_MANY_EXPORTS, BUDGET_USED_UP, BUDGET_EXCEEDED),
        summary="Exports a version",
    )
    async def request(req: Request[NewExport | None]) -> Reply:
        """202 if the export is new; 200 with the existing export if the version was exported in this profile before;
        429 with Retry-After if the tenant has too many queued exports or requests them too often."""
        project_id, wanted = req.path["project"], req.body or NewExport()

        def made(done: Done) -> Reply:
            queued, at = done.result, done.at
            assert isinstance(queued, Exporting)
            assert at is not None
            pin = next(
                (
                    Pinned(profile=whose, reason=pin.reason, expires_at=pin.expires_at, mode=pin.mode)
                    for whose, pin in queued.pins
                    if pin.holds(at)
                ),
                None,
            )
            export = Export(
                id=queued.export_id, project_id=project_id, version=queued.version, profile=queued.profile,
                status="queued", pinned=pin is not None, pin=pin, created_at=at,
            )  # fmt: skip
            return Reply(202, export, {"Location": f"/api/projects/{project_id}/exports/{export.id}"})

        async def act() -> Reply:
            await ops.limits.check(req.actor.tenant)
            asked = ExportAsked(wanted.version, wanted.profile)
            outcome = await ops.commits.commit(project_id, req.behalf, asked, keyed=req.keyed)
            if outcome.events:
                return made(outcome.done)
            version = outcome.state.version if wanted.version is None else wanted.version
            export_id = exported(outcome.state, version, wanted.profile)
            assert export_id is not None, "nothing happens only when there is one"
            return await keep_unchanged(ops, req, Reply(200, await shown(project_id, export_id)))

        return await once(ops, req, made, act)

    @api.get(
        "/api/projects/{project}/exports",
        role=Role.viewer,
        query=ListQuery,
        returns={200: Page[Export]},
        summary="Lists exports, newest first",
    )
    async def index(req: Request[None, ListQuery]) -> Reply:
        await ops.owner(req, req.path["project"])
        limit, cursor = req.query.limit, req.query.cursor
        after = None if cursor is None else decode_cursor(cursor, tuple[datetime, str])
        found = await ops.reads.exports(req.path["project"], after=after, limit=limit + 1)
        page = [await completed(ops, export) for export in found[:limit]]
        more = len(found) > limit
        return Reply(200, Page(page, encode_cursor((page[-1].created_at, page[-1].id)) if more else None))

    @api.get(
        "/api/projects/{project}/exports/{export}",
        role=Role.viewer,
        query=Wait,
        returns={200: Export},
        summary="Shows an export",
    )
    async def show(req: Request[None, Wait]) -> Reply:
        """With `wait`, once it begins to render or ends."""
        project_id, export_id = req.path["project"], req.path["export"]
        await ops.owner(req, project_id)
        look = partial(shown, project_id, export_id)
        return Reply(200, await changed(ops, project_id, look, lambda export: export.status, req.query.wait))

    @api.post(
        "/api/projects/{project}/exports/{export}/cancel",
        role=Role.editor,
        returns={202: Export},
        problems=(NOT_RENDERING,),
        summary="Cancels an export that is not finished",
    )
    async def cancel(req: Request) -> Reply:
        return await did(req, CancelExport(req.path["export"]))

    @api.post(
        "/api/projects/{project}/exports/{export}/retry",
        role=Role.editor,
        returns={202: Export},
        problems=(NOT_RETRYABLE, TOO_MANY_EXPORTS, BUDGET_USED_UP, BUDGET_EXCEEDED),
        summary="Renders an export again that failed, was cancelled, archived or deleted",
    )
    async def retry(req: Request) -> Reply:
        """It keeps its id. When it is ready again, `reproduced` says whether the file is the same, byte for byte."""
        await ops.limits.check(req.actor.tenant)
        return await did(req, RetryExport(req.path["export"]))

    async def did(req: Request[Any, Any], command: CancelExport | RetryExport) -> Reply:
        await ops.commits.commit(req.path["project"], req.behalf, command)
        return Reply(202, await shown(req.path["project"], req.path["export"]))

    async def shown(project_id: str, export_id: str) -> Export:
        found = await ops.reads.exports(project_id, export_id=export_id)
        if not found:
            raise not_found(f"Export {export_id}")
        return await completed(ops, found[0])


async def completed(ops: Ops, export: Export) -> Export:
    """An export with what the database does not hold: progress, and a link to the file."""
    if export.status == "queued":
        progress = ops.feed.progress(export.project_id, "export", export.version, export.id)
        if progress is not None:
            return msgspec.structs.replace(
                export, status="rendering", progress=progress.fraction, frames_done=progress.frames_done,
                frames_total=progress.frames_total, speed=progress.speed, eta_seconds=progress.eta_seconds,
            )  # fmt: skip
    if export.status == "ready" and export.key is not None:
        filename = f"{export.project_id}_{export.key.rpartition('/')[2]}"
        return msgspec.structs.replace(export, url=await ops.link(export.key, filename))
    return export
