"""Projects: make, list, show, delete, restore."""

from __future__ import annotations

from datetime import datetime

from cutlog.auth.actor import Actor
from cutlog.contract.answers.projects import Project
from cutlog.contract.base import Strict
from cutlog.contract.ids import Id, new_id
from cutlog.contract.ops import Name
from cutlog.contract.timeline import Canvas
from cutlog.web import Api, ListQuery, Page, ProblemError, Reply, Request, Role, decode_cursor, encode_cursor
from cutlog.web.problems import invalid, not_found
from services.ops.api.context import Ops
from services.ops.api.once import once
from services.ops.api.problem_types import EDIT_REFUSED, ID_UNAVAILABLE
from services.ops.decide.commands import CreateProject, DeleteProject, RestoreProject
from services.ops.edits.project import fps_fault
from services.ops.project.results import Created, Done
from services.ops.readmodel.reads import Place


class NewProject(Strict):
    """A project to be. Without `id` it gets a new one."""

    name: Name
    id: Id | None = None
    canvas: Canvas = Canvas()


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.post(
        "/api/projects",
        role=Role.editor,
        body=NewProject,
        returns={201: Project},
        problems=(ID_UNAVAILABLE, EDIT_REFUSED),
        summary="Creates a project",
    )
    async def create(req: Request[NewProject]) -> Reply:
        new = req.body
        if fault := fps_fault(new.canvas.fps):
            raise invalid(ProblemError("/canvas/fps", fault))

        def made(done: Done) -> Reply:
            created = done.result
            assert isinstance(created, Created)
            assert done.at is not None
            project = Project(
                id=created.project_id, name=new.name, canvas=new.canvas, current_version=0, duration=0,
                created_at=done.at, updated_at=done.at,
            )  # fmt: skip
            return Reply(201, project, {"Location": f"/api/projects/{project.id}"})

        async def act() -> Reply:
            command = CreateProject(new.name, new.canvas)
            with ops.ids.one(req.actor, new.id):
                outcome = await ops.commits.commit(new.id or new_id("p"), req.behalf, command, keyed=req.keyed)
            return made(outcome.done)

        return await once(ops, req, made, act)

    @api.get(
        "/api/projects",
        role=Role.viewer,
        query=ListQuery,
        scope="own",
        returns={200: Page[Project]},
        summary="Lists projects, newest first",
    )
    async def index(req: Request[None, ListQuery]) -> Reply:
        limit, cursor = req.query.limit, req.query.cursor
        after = None if cursor is None else decode_cursor(cursor, tuple[datetime, str])
        found = await _visible(ops, req.actor, after, limit + 1)
        page = found[:limit]
        more = len(found) > limit
        return Reply(200, Page(page, encode_cursor((page[-1].created_at, page[-1].id)) if more else None))

    @api.get("/api/projects/{project}", role=Role.viewer, returns={200: Project}, summary="Shows a project")
    async def show(req: Request) -> Reply:
        return Reply(200, await shown(req))

    @api.delete(
        "/api/projects/{project}",
        role=Role.editor,
        returns={204: None},
        summary="Deletes a project; it can be restored",
    )
    async def delete(req: Request) -> Reply:
        await ops.commits.commit(req.path["project"], req.behalf, DeleteProject())
        return Reply.empty(204)

    @api.post(
        "/api/projects/{project}/restore",
        role=Role.editor,
        returns={200: Project},
        summary="Restores a deleted project",
    )
    async def restore(req: Request) -> Reply:
        await ops.commits.commit(req.path["project"], req.behalf, RestoreProject())
        return Reply(200, await shown(req))

    async def shown(req: Request) -> Project:
        project = await ops.reads.project(req.actor.tenant, req.path["project"])
        if project is None:
            raise not_found(f"Project {req.path['project']}")
        return project


async def _visible(ops: Ops, actor: Actor, after: Place | None, limit: int) -> list[Project]:
    """Projects of the tenant, or those of the actor's key."""
    if actor.projects is None:
        return await ops.reads.projects(actor.tenant, after, limit)
    each = [await ops.reads.project(actor.tenant, project) for project in actor.projects]
    found = sorted((one for one in each if one is not None), key=lambda one: (one.created_at, one.id), reverse=True)
    return [one for one in found if after is None or (one.created_at, one.id) < after][:limit]
