"""Edits: append ops as one version, read them back."""

from __future__ import annotations

import re
from itertools import chain
from typing import Annotated, Any, Final, Literal

import msgspec

from cutlog.contract.base import Strict, Wire
from cutlog.contract.ops import Op
from cutlog.contract.ops import Ops as OpList
from cutlog.web import Api, ListQuery, Page, Problem, Reply, Request, Role, decode_cursor, encode_cursor
from services.ops.api.context import Ops, who
from services.ops.api.once import keep, once
from services.ops.decide.commands import CommitOps, ProjectCommand
from services.ops.decide.project_state import ProjectState
from services.ops.decide.refusals import StaleVersion
from services.ops.edits.sources import media_named
from services.ops.handling import Outcome
from services.ops.readmodel.views import Version

MAX_BODY: Final = 1 << 20
MAX_STORED: Final = 6 << 20
LONGEST_NUMBER: Final = 350
MISSED: Final = 200
"""Versions at most that a conflict tells; the rest is in the list of versions."""

VersionNumber = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class NewVersion(Strict):
    """One edit: all ops apply, or none. `expectedVersion` is the version that the client saw; the edit is refused when
    the project has a newer one. With `dryRun` nothing is stored."""

    ops: OpList
    expected_version: VersionNumber | None = None
    on_conflict: Literal["fail"] = "fail"
    message: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)] | None = None
    dry_run: bool = False


class Committed(Wire):
    """The version that an edit made, its length in frames, and its position in the log; null for a dry run."""

    version: int
    duration: int
    position: int | None


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
        problems=(409,),
        summary="Appends ops as one version",
    )
    async def commit(req: Request[NewVersion]) -> Reply:
        """409 `version-conflict` tells `currentVersion` and the versions `missed`; 422 points to the faulty op."""
        project_id, new = req.path["project"], req.body
        _check_stored_size(req.raw)
        sent = _SENT.decode(req.raw).ops

        async def make(state: ProjectState | None) -> ProjectCommand:
            used = state.sequence.uses if state is not None else ()
            shelf = await ops.catalog.shelf(req.actor.tenant, chain(used, _named(new.ops)))
            return CommitOps(new.ops, sent, shelf, shelf.sha256, new.expected_version, new.message)

        async def act() -> Reply:
            if new.dry_run:
                return Reply(200, _committed(await ops.handling.preview(project_id, who(req), make)))
            kept = keep(req, 201, _committed)
            return Reply(201, _committed(await ops.handling.project(project_id, who(req), make, keep=kept)))

        try:
            return await once(ops, req, act)
        except StaleVersion as stale:
            missed = await ops.reads.versions(project_id, stale.expected + 1, stale.current, MISSED)
            raise Problem(
                409,
                stale.code,
                "The project has changed since",
                str(stale),
                extra={"currentVersion": stale.current, "missed": msgspec.to_builtins(missed)},
            ) from None

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
        return Reply(200, Page(versions, encode_cursor(versions[-1].version + 1) if more else None))


def _check_stored_size(raw: bytes) -> None:
    """PostgreSQL writes 1e-300 out in full, and an event has to fit into a message. Raises Problem 413."""
    if 2 * len(raw) + LONGEST_NUMBER * len(_EXPONENT.findall(raw)) > MAX_STORED:
        detail = "So many numbers with long exponents do not fit; write 0 for what is nearly 0, or send fewer ops."
        raise Problem(413, "content-too-large", "The edit is too large", detail)


def _committed(outcome: Outcome) -> Committed:
    return Committed(
        version=outcome.state.version,
        duration=outcome.state.sequence.duration,
        position=outcome.appended.position if outcome.appended is not None else None,
    )


def _named(ops: tuple[Op, ...]) -> list[str]:
    """The media that ops bring into a project."""
    return [media for op in ops for media in media_named(op)]
