"""What was: differences between versions, going back to one, starting another project from one."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cutlog.contract.answers.edits import Committed, Diff
from cutlog.contract.answers.projects import Origin, Project
from cutlog.contract.base import Strict
from cutlog.contract.ids import Id, new_id
from cutlog.contract.ops import HistoryRevert, Name
from cutlog.web import Api, ProblemError, Reply, Request, Role
from cutlog.web.problems import BUDGET_EXCEEDED, invalid
from services.ops.api.committing import Message, VersionNumber, commit
from services.ops.api.context import Ops
from services.ops.api.once import once
from services.ops.api.problem_types import (
    EDIT_REFUSED,
    ID_UNAVAILABLE,
    MEDIA_GONE,
    NOTHING_TO_UNDO,
    VERSION_CONFLICT,
)
from services.ops.decide.commands import ForkProject
from services.ops.edits.errors import EditError
from services.ops.project.apart import apart
from services.ops.project.asked import Batch, Undo
from services.ops.project.results import Created, Done
from services.ops.timeline.diff import diff


class DiffQuery(Strict):
    """From one version to another, which may be the earlier; from the one before the newest to the newest, unless
    they are named."""

    first: VersionNumber | None = msgspec.field(name="from", default=None)
    last: VersionNumber | None = msgspec.field(name="to", default=None)


class Revert(Strict):
    """Where to go back to. `expectedVersion` as for an edit, and so is `dryRun`."""

    to_version: VersionNumber
    expected_version: VersionNumber | None = None
    on_conflict: Literal["fail"] = "fail"
    message: Message | None = None
    dry_run: bool = False


class Redoing(Strict):
    """`expectedVersion` as for an edit, and so is `dryRun`."""

    expected_version: VersionNumber | None = None
    message: Message | None = None
    dry_run: bool = False


class Undoing(Redoing):
    """The version to undo, by whomever it is; by default the caller's newest."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None


class Fork(Strict):
    """A project to be, which starts from a version: the newest, unless one is named. Without `id` it gets a new one."""

    name: Name
    version: VersionNumber | None = None
    id: Id | None = None
    dry_run: bool = False


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.get(
        "/api/projects/{project}/diff",
        cost=5,
        role=Role.viewer,
        query=DiffQuery,
        returns={200: Diff},
        summary="Shows what changed between two versions, clip by clip",
    )
    async def difference(req: Request[None, DiffQuery]) -> Reply:
        project_id = req.path["project"]
        owner = await ops.owner(req, project_id)
        last = owner.version if req.query.last is None else req.query.last
        first = max(0, last - 1) if req.query.first is None else req.query.first
        before, after = await ops.history.at(project_id, first), await ops.history.at(project_id, last)
        changes = await apart(before.size + after.size, lambda: diff(before, after))
        return Reply(200, Diff(first=first, last=last, changes=changes), large=True)

    @api.post(
        "/api/projects/{project}/revert",
        cost=5,
        role=Role.editor,
        body=Revert,
        returns={201: Committed, 200: Committed},
        problems=(VERSION_CONFLICT, MEDIA_GONE, EDIT_REFUSED, BUDGET_EXCEEDED),
        summary="Reverts to an earlier version, as a new version",
    )
    async def revert(req: Request[Revert]) -> Reply:
        """The timeline of the new version equals the earlier one's. All versions in between remain. Exports, pins and
        the project's name are not part of a timeline."""
        wanted = req.body
        batch = Batch(
            ops=(HistoryRevert(to_version=wanted.to_version),),
            sent=({"op": "history.revert", "toVersion": wanted.to_version},),
            expected_version=wanted.expected_version,
            message=wanted.message,
        )
        try:
            return await commit(ops, req, req.path["project"], batch, dry_run=wanted.dry_run)
        except EditError as error:
            raise EditError(error.pointer.removeprefix("/ops/0"), error.detail) from None

    @api.post(
        "/api/projects/{project}/undo",
        role=Role.editor,
        body=Undoing,
        returns={201: Committed, 200: Committed},
        problems=(NOTHING_TO_UNDO, VERSION_CONFLICT, MEDIA_GONE, EDIT_REFUSED, BUDGET_EXCEEDED),
        summary="Undoes one version and keeps the later ones, as a new version",
    )
    async def undo(req: Request[Undoing]) -> Reply:
        """Default: the newest version that the caller made and that is not undone, with those of the same gesture. 409
        `version-conflict` contains the `collisions` with later versions that changed the same."""
        project_id, wanted = req.path["project"], req.body
        if wanted.version is not None:
            owner = await ops.owner(req, project_id)
            if wanted.version > owner.version:
                detail = f"There is no version {wanted.version}; the newest is {owner.version}."
                raise invalid(ProblemError("/version", detail))
        asked = Undo(req.behalf.actor, wanted.version, False, wanted.expected_version, wanted.message)
        return await commit(ops, req, project_id, asked, dry_run=wanted.dry_run)

    @api.post(
        "/api/projects/{project}/redo",
        role=Role.editor,
        body=Redoing,
        returns={201: Committed, 200: Committed},
        problems=(NOTHING_TO_UNDO, VERSION_CONFLICT, MEDIA_GONE, EDIT_REFUSED, BUDGET_EXCEEDED),
        summary="Redoes what the caller undid last, as a new version",
    )
    async def redo(req: Request[Redoing]) -> Reply:
        """409 `nothing-to-undo` once the caller has edited since; 409 `version-conflict` as for an undo."""
        wanted = req.body
        asked = Undo(req.behalf.actor, None, True, wanted.expected_version, wanted.message)
        return await commit(ops, req, req.path["project"], asked, dry_run=wanted.dry_run)

    @api.post(
        "/api/projects/{project}/fork",
        scope="none",
        cost=5,
        role=Role.editor,
        body=Fork,
        returns={201: Project, 200: Project},
        problems=(ID_UNAVAILABLE, MEDIA_GONE, EDIT_REFUSED, BUDGET_EXCEEDED),
        summary="Forks a project from a version of this one",
    )
    async def fork(req: Request[Fork]) -> Reply:
        """Version 0 of the fork is that timeline. The fork is independent, and remains when this project is deleted."""
        new, origin_id, fork_id = req.body, req.path["project"], req.body.id or new_id("p")

        def shown(done: Done) -> Project:
            fork, at = done.result, done.at or ops.now()
            assert isinstance(fork, Created)
            assert fork.origin_version is not None
            return Project(
                id=fork.project_id, name=new.name, canvas=fork.canvas, current_version=0, duration=fork.duration,
                origin=Origin(project_id=origin_id, version=fork.origin_version), created_at=at, updated_at=at,
            )  # fmt: skip

        def made(done: Done) -> Reply:
            project = shown(done)
            return Reply(201, project, {"Location": f"/api/projects/{project.id}"})

        async def act() -> Reply:
            owner = await ops.owner(req, origin_id)
            version = owner.version if new.version is None else new.version
            sequence = await ops.history.at(origin_id, version)
            shelf = await ops.catalog.shelf(owner.tenant, sequence.uses)
            command = ForkProject(new.name, origin_id, version, sequence, shelf.sha256, shelf.budget)
            with ops.ids.one(req.actor, new.id, dry_run=new.dry_run):
                if new.dry_run:
                    return Reply(200, shown((await ops.commits.preview(fork_id, req.behalf, command)).done))
                return made((await ops.commits.commit(fork_id, req.behalf, command, keyed=req.keyed)).done)

        return await once(ops, req, made, act)
