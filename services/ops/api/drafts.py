"""Drafts: what ops would make of a version, shown before they are made."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final, Literal

import msgspec

from cutlog.contract.answers.drafts import Draft
from cutlog.contract.answers.edits import Committed
from cutlog.contract.base import Strict
from cutlog.contract.ops import Ops as OpList
from cutlog.contract.timeline import Timeline
from cutlog.db.idempotency import Keyed
from cutlog.web import Api, Page, Reply, Request, Role
from cutlog.web.problems import BUDGET_EXCEEDED, not_found
from services.ops.api.committing import Message, VersionNumber, committed, committed_once
from services.ops.api.context import Ops
from services.ops.api.edits import MAX_BODY, sent_ops
from services.ops.api.once import keep_unchanged, once
from services.ops.api.problem_types import (
    DRAFT_COMMITTED,
    EDIT_REFUSED,
    MEDIA_GONE,
    TOO_MANY_DRAFTS,
    VERSION_CONFLICT,
)
from services.ops.api.timelines import shown
from services.ops.drafts.store import KEPT, LONGEST, Kept
from services.ops.log.records import AlreadyAnsweredError
from services.ops.project.asked import LONG, Batch
from services.ops.project.commit import Tried
from services.ops.project.results import Done

#: Header by which render is told which revision of a draft it was given.
REVISION: Final = "Cutlog-Revision"

DraftOps = Annotated[OpList, msgspec.Meta(examples=[[{"op": "clip.set", "clip": "intro", "opacity": 0.5}]])]


class NewDraft(Strict):
    """Ops on a version, the newest by default. `ttl`: seconds after its last use for which the draft is kept."""

    ops: DraftOps
    version: VersionNumber | None = None
    ttl: Annotated[int, msgspec.Meta(ge=1, le=LONGEST)] = KEPT


class NewRevision(Strict):
    """The ops that the draft has from now on."""

    ops: DraftOps


class CommitDraft(Strict):
    """As for an edit; the expected version is that of the draft, unless another is given."""

    message: Message | None = None
    expected_version: VersionNumber | None = None
    on_conflict: Literal["fail", "rebase"] = "fail"


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.post(
        "/api/projects/{project}/drafts",
        role=Role.editor,
        body=NewDraft,
        max_body=MAX_BODY,
        returns={201: Draft},
        problems=(EDIT_REFUSED, BUDGET_EXCEEDED, TOO_MANY_DRAFTS),
        summary="Creates a draft: ops on a version, which can be seen and are not in the log",
    )
    async def create(req: Request[NewDraft]) -> Reply:
        """422 as for an edit. Others see the draft as well; it changes no version and no use of media."""
        project_id, new = req.path["project"], req.body

        async def act() -> Reply:
            owner = await ops.owner(req, project_id)
            version = owner.version if new.version is None else new.version
            tried = await _tried(ops, req, project_id, version, new.ops)
            sequence, author = tried.sequence, req.behalf.actor
            kept = await ops.drafts.add(
                project_id, author, version, tried.ops, sequence.duration, [*sequence.uses], new.ttl
            )  # fmt: skip
            location = {"Location": f"/api/projects/{project_id}/drafts/{kept.id}"}
            return await keep_unchanged(ops, req, Reply(201, _shown(ops, project_id, kept), location))

        return await once(ops, req, _appended, act)

    @api.get(
        "/api/projects/{project}/drafts",
        role=Role.viewer,
        returns={200: Page[Draft]},
        summary="Lists the drafts of a project",
    )
    async def index(req: Request) -> Reply:
        project_id = req.path["project"]
        await ops.owner(req, project_id)
        return Reply(200, Page([_shown(ops, project_id, kept) for kept in await ops.drafts.list(project_id)], None))

    @api.get(
        "/api/projects/{project}/drafts/{draft}",
        role=Role.viewer,
        returns={200: Draft},
        summary="Shows a draft",
    )
    async def show(req: Request) -> Reply:
        return Reply(200, _shown(ops, req.path["project"], await found(req)))

    @api.put(
        "/api/projects/{project}/drafts/{draft}",
        role=Role.editor,
        body=NewRevision,
        max_body=MAX_BODY,
        returns={200: Draft},
        problems=(EDIT_REFUSED, BUDGET_EXCEEDED, DRAFT_COMMITTED),
        summary="Replaces the ops of a draft",
    )
    async def replace(req: Request[NewRevision]) -> Reply:
        """As often as a pointer moves: each answer has the next `revision`. Ops that do not apply change nothing."""
        project_id, draft_id = req.path["project"], req.path["draft"]
        kept = await found(req)
        tried = await _tried(ops, req, project_id, kept.version, req.body.ops)
        sequence = tried.sequence
        after = await ops.drafts.replace(project_id, draft_id, tried.ops, sequence.duration, [*sequence.uses])
        if after is None:
            await found(req)
            raise DRAFT_COMMITTED(DRAFT_COMMITTED.example)
        return Reply(200, _shown(ops, project_id, after))

    @api.delete(
        "/api/projects/{project}/drafts/{draft}",
        role=Role.editor,
        returns={204: None},
        summary="Deletes a draft",
    )
    async def delete(req: Request) -> Reply:
        await ops.owner(req, req.path["project"])
        if not await ops.drafts.delete(req.path["project"], req.path["draft"]):
            raise not_found(f"Draft {req.path['draft']}")
        return Reply.empty(204)

    @api.get(
        "/api/projects/{project}/drafts/{draft}/timeline",
        role=Role.viewer,
        returns={200: Timeline},
        summary="Shows the timeline of a draft",
    )
    async def timeline(req: Request) -> Reply:
        return Reply(200, await _timeline(ops, req.path["project"], req.actor.tenant, await found(req)), large=True)

    @api.post(
        "/api/projects/{project}/drafts/{draft}/commit",
        role=Role.editor,
        body=CommitDraft,
        returns={201: Committed},
        problems=(VERSION_CONFLICT, MEDIA_GONE, EDIT_REFUSED, BUDGET_EXCEEDED),
        summary="Makes a version of a draft",
    )
    async def commit(req: Request[CommitDraft]) -> Reply:
        """As for an edit with the ops of the draft, by whoever commits it. A second commit gets the first answer."""
        project_id, wanted, kept = req.path["project"], req.body, await found(req)
        if kept.answer is not None:
            return Reply(201, msgspec.json.decode(kept.answer, type=Committed))
        expected = kept.version if wanted.expected_version is None else wanted.expected_version
        batch = Batch(_typed(kept.ops), kept.ops, expected, wanted.on_conflict, wanted.message)
        keyed = Keyed.of(req.actor.tenant, f"draft {kept.id}", "commit", kept.id)

        async def before() -> Done | None:
            done = None if keyed is None else await ops.commits.before(keyed)
            return done if isinstance(done, Done) else None

        async def act() -> Reply:
            try:
                done = await before() or (await ops.commits.commit(project_id, req.behalf, batch, keyed=keyed)).done
            except AlreadyAnsweredError:
                answered = await before()
                assert answered is not None, "an answer is kept for longer than a request takes"
                done = answered
            await ops.drafts.committed(kept.id, msgspec.json.encode(committed(done)).decode())
            return made(done)

        def made(done: Done) -> Reply:
            return Reply(201, committed(done))

        return await committed_once(ops, req, project_id, made, act)

    @api.get(
        "/internal/projects/{project}/drafts/{draft}/timeline",
        role=Role.service,
        callers=("render",),
        returns={200: Timeline},
        summary="The timeline of a draft of any tenant",
    )
    async def internal(req: Request) -> Reply:
        project_id, draft_id = req.path["project"], req.path["draft"]
        owner = await ops.reads.owner(project_id)
        kept = None if owner is None or owner.deleted else await ops.drafts.find(project_id, draft_id)
        if owner is None or kept is None:
            raise not_found(f"Draft {draft_id}")
        shown = await _timeline(ops, project_id, owner.tenant, kept)
        return Reply(200, shown, {REVISION: str(kept.revision)}, large=True)

    async def found(req: Request[Any]) -> Kept:
        """The draft, which is used now. Raises Problem 404."""
        await ops.owner(req, req.path["project"])
        kept = await ops.drafts.find(req.path["project"], req.path["draft"])
        if kept is None:
            raise not_found(f"Draft {req.path['draft']}")
        return kept


def _appended(_done: Done) -> Reply:
    raise AssertionError("to create a draft appends nothing")


async def _tried(ops: Ops, req: Request[Any], project_id: str, version: int, typed: OpList) -> Tried:
    """What ops of a request make of a version. Raises Problem, EditError, OverBudgetError, NotFoundError."""
    sent = await sent_ops(ops, req.actor, req.raw)
    batch = Batch(typed, sent, files=await ops.captions.read_all(typed), size=len(req.raw))
    return await ops.commits.tried(project_id, req.actor.tenant, batch, version)


def _typed(sent: tuple[dict[str, Any], ...]) -> OpList:
    return msgspec.convert(sent, OpList)


async def _timeline(ops: Ops, project_id: str, tenant: str, kept: Kept) -> Timeline:
    typed = await asyncio.to_thread(_typed, kept.ops)
    tried = await ops.commits.tried(project_id, tenant, Batch(typed, kept.ops, size=LONG), kept.version)
    return await shown(ops, tried.sequence, project_id, tenant, kept.version)


def _shown(ops: Ops, project_id: str, kept: Kept) -> Draft:
    path = f"/api/projects/{project_id}/drafts/{kept.id}/frame?revision={kept.revision}"
    return Draft(
        id=kept.id, revision=kept.revision, author=kept.author, version=kept.version, duration=kept.duration,
        ops=kept.ops, created_at=kept.created_at, expires_at=kept.expires_at, frame_url=ops.links.absolute(path),
    )  # fmt: skip
