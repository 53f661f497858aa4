"""Edits: append ops as one version, read them back."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET

from cutlog.auth.actor import Actor
from cutlog.contract.answers.edits import Committed
from cutlog.contract.answers.projects import Version
from cutlog.contract.base import Strict
from cutlog.contract.ids import Id
from cutlog.contract.ops import Ops as OpList
from cutlog.web import Api, ListQuery, Page, ProblemError, Reply, Request, Role, decode_cursor, encode_cursor
from cutlog.web.problems import BUDGET_EXCEEDED, TOO_LARGE, invalid
from services.ops.api.committing import Message, VersionNumber, commit
from services.ops.api.context import Ops
from services.ops.api.problem_types import EDIT_REFUSED, MEDIA_GONE, VERSION_CONFLICT
from services.ops.edits.naming import media_named
from services.ops.project.apart import apart_if
from services.ops.project.asked import LONG, Batch

MAX_BODY: Final = 1 << 20
MAX_STORED: Final = 6 << 20
LONGEST_NUMBER: Final = 350


class NewVersion(Strict):
    """One edit: all ops apply, or none. `expectedVersion` is the version that the client saw; when the project has a
    newer one, the edit is refused, or with `onConflict: "rebase"` applied on top of it, if it touches nothing that the
    missed versions changed. Versions of one `gesture`, such as the drag of a slider, are undone together. With `dryRun`
    nothing is stored."""

    ops: Annotated[OpList, msgspec.Meta(examples=[[{"op": "track.add", "track": "v1", "kind": "video"}]])]
    expected_version: VersionNumber | None = None
    on_conflict: Literal["fail", "rebase"] = "fail"
    message: Message | None = None
    gesture: Id | None = None
    dry_run: bool = False


class VersionsQuery(ListQuery):
    """Versions `from` to `upTo`, both included."""

    first: VersionNumber = msgspec.field(name="from", default=1)
    up_to: VersionNumber = 2**31 - 1


class _Sent(msgspec.Struct):
    ops: tuple[dict[str, Any], ...]


_EXPONENT: Final = re.compile(rb"[eE]-\d{2,}")
_SENT: Final = msgspec.json.Decoder(_Sent)


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.post(
        "/api/projects/{project}/ops",
        role=Role.editor,
        body=NewVersion,
        max_body=MAX_BODY,
        returns={201: Committed, 200: Committed},
        problems=(VERSION_CONFLICT, MEDIA_GONE, EDIT_REFUSED, BUDGET_EXCEEDED),
        summary="Appends ops as one version",
    )
    async def edit(req: Request[NewVersion]) -> Reply:
        """409 `version-conflict` contains `currentVersion`, the versions `missed`, and for a rebase the `collisions`;
        422 points to the invalid op."""
        new = req.body
        sent = await sent_ops(ops, req.actor, req.raw)
        gesture = UNSET if new.gesture is None else new.gesture
        size = len(req.raw)
        batch = Batch(new.ops, sent, new.expected_version, new.on_conflict, new.message, gesture=gesture, size=size)
        return await commit(ops, req, req.path["project"], batch, dry_run=new.dry_run)

    @api.get(
        "/api/projects/{project}/ops",
        role=Role.viewer,
        query=VersionsQuery,
        returns={200: Page[Version]},
        summary="Lists versions with their ops, in order",
    )
    async def index(req: Request[None, VersionsQuery]) -> Reply:
        owner = await ops.owner(req, req.path["project"])
        query = req.query
        first = max(1, query.first if query.cursor is None else decode_cursor(query.cursor, int))
        last = min(query.up_to, owner.version)
        versions = await ops.reads.versions(req.path["project"], first, last, query.limit)
        more = bool(versions) and versions[-1].version < last
        return Reply(200, Page(versions, encode_cursor(versions[-1].version + 1) if more else None), large=True)


async def sent_ops(ops: Ops, actor: Actor, raw: bytes) -> tuple[dict[str, Any], ...]:
    """The ops of a body as they were sent. Raises Problem 413, and 422 for media that the actor's key does not see."""
    sent = await apart_if(len(raw) >= LONG, lambda: _as_sent(raw))
    await _check_seen(ops, actor, sent)
    return sent


async def _check_seen(ops: Ops, actor: Actor, sent: tuple[dict[str, Any], ...]) -> None:
    """Raises Problem 422 for media that the actor's key does not see."""
    if actor.projects is None:
        return
    named = [(index, media) for index, op in enumerate(sent) for media in media_named(op)]
    unseen = await ops.access.unseen(actor, {media for _, media in named})
    errors = [ProblemError(f"/ops/{index}", f"There is no media {media}.") for index, media in named if media in unseen]
    if errors:
        raise invalid(*errors)


def _as_sent(raw: bytes) -> tuple[dict[str, Any], ...]:
    """The ops as the client sent them. Raises Problem 413."""
    check_stored_size(raw)
    return _SENT.decode(raw).ops


def check_stored_size(raw: bytes) -> None:
    """PostgreSQL writes 1e-300 out in full, and an event has to fit into a message. Raises Problem 413."""
    if 2 * len(raw) + LONGEST_NUMBER * len(_EXPONENT.findall(raw)) > MAX_STORED:
        detail = "The numbers are too long when stored; write 0 for values near 0, or send fewer ops."
        raise TOO_LARGE(detail)
