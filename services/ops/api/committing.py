"""How a batch of ops becomes a version, whoever sends it: against which version, and what a conflict tells."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from collections.abc import Sequence as Several
from itertools import chain
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.base import Wire
from cutlog.contract.limits import NO_NUL
from cutlog.contract.ops import HistoryRevert, Op
from cutlog.web import Reply, Request
from cutlog.web.problems import TOO_LARGE, TooLarge
from services.ops.api.context import Ops, who
from services.ops.api.once import keep, once
from services.ops.api.problem_types import NOTHING_TO_IMPORT, VERSION_CONFLICT, Stale
from services.ops.decide.commands import CommitOps, ProjectCommand
from services.ops.decide.project_state import ProjectState
from services.ops.decide.refusals import Collided, StaleVersion
from services.ops.edits.errors import EditError
from services.ops.edits.naming import media_named, media_renamed
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Earlier, nothing_earlier
from services.ops.interchange.captions import CaptionFile, with_captions
from services.ops.interchange.losses import Ledger, Loss
from services.ops.interchange.matching import Missing
from services.ops.project.handling import Outcome
from services.ops.timeline.rebase import against

MISSED: Final = 200
"""Versions at most that a conflict tells; the rest is in the list of versions."""
FARTHEST: Final = 1_000
"""Missed versions at most on top of which a batch is put."""
REVERTS: Final = 10
"""Versions at most that one batch goes back to."""

VersionNumber = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Message = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000, pattern=NO_NUL)]


MAX_OPS_BYTES: Final = 3 << 20
"""Bytes of the ops of one version that were made here: PostgreSQL and NATS hold an event of twice that."""


class Committed(Wire):
    """The version that an edit made, its length in frames, and its position in the log; null for a dry run. `losses`:
    what of its files of captions is not kept, where it had some."""

    version: int
    duration: int
    position: int | None
    losses: tuple[Loss, ...] | UnsetType = UNSET


class ImportedTimeline(Wire):
    """The version that an import made, its length in frames, its position in the log; what the file held and this
    project can't; and media that were missing. A dry run has no position."""

    version: int
    duration: int
    position: int | None
    losses: tuple[Loss, ...]
    missing: tuple[Missing, ...]


class Batch(msgspec.Struct, frozen=True):
    """Ops as typed and as the client sent them, and how they are meant."""

    ops: tuple[Op, ...]
    sent: tuple[dict[str, Any], ...]
    expected_version: int | None = None
    on_conflict: Literal["fail", "rebase"] = "fail"
    message: str | None = None
    dry_run: bool = False


async def commit(ops: Ops, req: Request[Any, Any], project_id: str, batch: Batch) -> Reply:
    """201 with what was committed; 200 for a dry run. Raises Problem 409 with what was missed, EditError, Refused."""

    batch = await _with_ids(ops, req.actor.tenant, batch)
    files: dict[int, CaptionFile] = {}
    losses: list[tuple[Loss, ...]] = []

    async def make(state: ProjectState | None) -> ProjectCommand:
        used = state.sequence.uses if state is not None else ()
        known = await _earlier(ops, project_id, state, batch.ops)
        back = chain.from_iterable(sequence.uses for sequence in known.values())
        shelf = await ops.catalog.shelf(req.actor.tenant, chain(used, back, media_named(batch.sent)))
        earlier: Earlier = known.get if known else nothing_earlier
        typed, sent = batch.ops, batch.sent
        if files and state is not None:
            ledger = Ledger()
            typed, sent = with_captions(typed, sent, files, state.sequence, shelf, earlier, ledger)
            stored(typed)
            losses[:] = [ledger.report()]
        expected = batch.expected_version
        if batch.on_conflict == "rebase" and state is not None and expected is not None and _near(state, expected):
            versions = await ops.history.span(project_id, expected, state.version)
            if found := against(typed, expected, versions, shelf, earlier):
                raise Collided(expected, state.version, found)
            expected = state.version
        return CommitOps(typed, sent, shelf, shelf.sha256, expected, batch.message, earlier)

    def body(outcome: Outcome) -> Committed:
        return committed(outcome, losses[0] if losses else UNSET)

    async def act() -> Reply:
        files.update(await ops.captions.read_all(batch.ops))
        if batch.dry_run:
            return Reply(200, body(await ops.handling.preview(project_id, who(req), make)))
        kept = keep(req, 201, body)
        return Reply(201, body(await ops.handling.project(project_id, who(req), make, keep=kept)))

    return await committed_once(ops, req, project_id, act)


async def _with_ids(ops: Ops, tenant: str, batch: Batch) -> Batch:
    """The same, with their own ids for media that are named as another store called them: the log knows no others."""
    names = await ops.catalog.aliases(tenant, set(media_named(batch.sent)))
    if not names:
        return batch
    sent = tuple(media_renamed(op, names) for op in batch.sent)
    return msgspec.structs.replace(batch, ops=msgspec.convert(sent, tuple[Op, ...]), sent=sent)


def _near(state: ProjectState, expected: int) -> bool:
    return not state.deleted and 0 < state.version - expected <= FARTHEST


async def committed_once(
    ops: Ops, req: Request[Any, Any], project_id: str, act: Callable[[], Awaitable[Reply]]
) -> Reply:
    """`once`, where a conflict tells the versions that its sender has not seen. Raises Problem 409."""
    try:
        return await once(ops, req, act)
    except StaleVersion as stale:
        missed = await ops.reads.versions(project_id, stale.expected + 1, stale.current, MISSED)
        collisions = tuple(stale.collisions) if isinstance(stale, Collided) else ()
        more = Stale(current_version=stale.current, missed=tuple(missed), collisions=collisions)
        raise VERSION_CONFLICT(str(stale), more=more) from None


async def _earlier(ops: Ops, project_id: str, state: ProjectState | None, batch: Iterable[Op]) -> dict[int, Sequence]:
    """The versions that the ops revert to. Raises EditError when those are too many."""
    known: dict[int, Sequence] = {}
    for index, op in enumerate(batch):
        if isinstance(op, HistoryRevert) and state is not None and op.to_version <= state.version:
            if len(known) == REVERTS and op.to_version not in known:
                raise EditError(f"/ops/{index}/toVersion", f"one batch goes back to at most {REVERTS} versions")
            known[op.to_version] = await ops.history.at(project_id, op.to_version)
    return known


def stored(ops: Several[Op]) -> tuple[dict[str, Any], ...]:
    """Ops that were made here, as the log keeps them. Raises Problem 413, 422."""
    if not ops:
        raise NOTHING_TO_IMPORT(NOTHING_TO_IMPORT.example)
    encoded = msgspec.json.encode(ops)
    if len(encoded) > MAX_OPS_BYTES:
        detail = f"The file makes {len(ops)} ops of {len(encoded)} bytes; one version holds {MAX_OPS_BYTES} bytes."
        raise TOO_LARGE(detail, more=TooLarge(limit=MAX_OPS_BYTES))
    return msgspec.json.decode(encoded, type=tuple[dict[str, Any], ...])


def committed(outcome: Outcome, losses: tuple[Loss, ...] | UnsetType = UNSET) -> Committed:
    """What is answered to an edit."""
    return Committed(
        version=outcome.state.version,
        duration=outcome.state.sequence.duration,
        position=outcome.appended.position if outcome.appended is not None else None,
        losses=losses,
    )


def imported(outcome: Outcome, losses: tuple[Loss, ...], missing: tuple[Missing, ...] = ()) -> ImportedTimeline:
    """What is answered to an import."""
    done = committed(outcome)
    return ImportedTimeline(
        version=done.version, duration=done.duration, position=done.position, losses=losses, missing=missing
    )
