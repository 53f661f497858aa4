"""How a batch of ops becomes a version, whoever sends it: what is answered, and what a conflict tells."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET

from cutlog.contract.answers.edits import Committed, ImportedTimeline, Stale
from cutlog.contract.limits import NO_NUL
from cutlog.web import Problem, Reply, Request
from services.ops.api.context import Ops
from services.ops.api.once import Translate, once
from services.ops.api.problem_types import VERSION_CONFLICT
from services.ops.decide.refusals import CollidedError, StaleVersionError
from services.ops.edits.undoing import BuiltOnError
from services.ops.project.asked import Batch, Undo
from services.ops.project.results import Done, Edited
from services.ops.project.undos import collided

MISSED: Final = 200
"""Versions at most that a conflict tells; the rest is in the list of versions."""

VersionNumber = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Message = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000, pattern=NO_NUL)]


async def commit(ops: Ops, req: Request[Any, Any], project_id: str, wanted: Batch | Undo, *, dry_run: bool) -> Reply:
    """201 with what was committed; 200 for a dry run. Raises Problem 409 with what was missed,
    EditError, RefusedError."""

    def made(done: Done) -> Reply:
        return Reply(201, committed(done))

    async def act() -> Reply:
        asked = wanted
        if isinstance(asked, Batch):
            asked = msgspec.structs.replace(asked, files=await ops.captions.read_all(asked.ops))
        try:
            if dry_run:
                return Reply(200, committed((await ops.commits.preview(project_id, req.behalf, asked)).done))
            return made((await ops.commits.commit(project_id, req.behalf, asked, keyed=req.keyed)).done)
        except BuiltOnError as error:
            if isinstance(asked, Undo):  # the op is ours; the client has named a version, or none
                raise error.at("" if asked.redo else "/version") from None
            raise

    return await committed_once(ops, req, project_id, made, act)


async def committed_once(
    ops: Ops, req: Request[Any, Any], project_id: str, translate: Translate, act: Callable[[], Awaitable[Reply]]
) -> Reply:
    """`once`, where a conflict tells the versions that its sender has not seen. Raises Problem 409."""
    try:
        return await once(ops, req, translate, act)
    except BuiltOnError as error:
        raise await _conflict(ops, project_id, await collided(ops.history, project_id, error)) from None
    except StaleVersionError as stale:
        raise await _conflict(ops, project_id, stale) from None


async def _conflict(ops: Ops, project_id: str, stale: StaleVersionError) -> Problem:
    missed = await ops.reads.versions(project_id, stale.expected + 1, stale.current, MISSED)
    collisions = tuple(stale.collisions) if isinstance(stale, CollidedError) else ()
    more = Stale(current_version=stale.current, missed=tuple(missed), collisions=collisions)
    return VERSION_CONFLICT(str(stale), more=more)


def committed(done: Done) -> Committed:
    """What is answered to an edit."""
    edited = done.result
    assert isinstance(edited, Edited)
    losses = UNSET if edited.losses is None else edited.losses
    return Committed(version=edited.version, duration=edited.duration, position=done.position, losses=losses)


def imported(done: Done) -> ImportedTimeline:
    """What is answered to an import."""
    edited = done.result
    assert isinstance(edited, Edited)
    return ImportedTimeline(
        version=edited.version, duration=edited.duration, position=done.position, losses=edited.losses or (),
        missing=edited.missing,
    )  # fmt: skip
