"""From what is asked for to a command: looks up what it needs to know, and finds out what it means, on the state that
it will be decided on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

import msgspec

from cutlog.contract.answers.edits import Loss, Missing
from cutlog.contract.ids import new_id
from cutlog.contract.ops import HistoryRevert, HistoryUndo, Op
from services.ops.decide.commands import CommitOps, ProjectCommand, RequestExport, RetryExport
from services.ops.decide.project import exported
from services.ops.decide.project_state import ProjectState
from services.ops.decide.refusals import CollidedError, NotFoundError
from services.ops.edits.errors import EditError
from services.ops.edits.naming import media_named, media_renamed
from services.ops.edits.sequence import Sequence
from services.ops.edits.size import OverBudgetError
from services.ops.edits.sources import Earlier, nothing_earlier
from services.ops.edits.undoing import runs
from services.ops.interchange.captions import with_captions
from services.ops.interchange.losses import Ledger
from services.ops.project import bringing, old_words
from services.ops.project.apart import apart_if
from services.ops.project.asked import Asked, Batch, CaptionsFile, Export, OldBatch, OldVersions, TimelineFile, Undo
from services.ops.project.catalog import Catalog
from services.ops.project.history import History
from services.ops.project.undos import Undos
from services.ops.timeline.rebase import against

FARTHEST: Final = 1_000
"""Missed versions at most on top of which a batch is put."""
FARTHEST_BACK: Final = 100
"""Versions at most that one batch goes back to."""


class Prepared(msgspec.Struct, frozen=True):
    """A command; and of files: what is not kept of them, None where there were none, and media that are missing."""

    command: ProjectCommand
    losses: tuple[Loss, ...] | None = None
    missing: tuple[Missing, ...] = ()


class Preparing:
    """Finds out what is meant."""

    def __init__(self, catalog: Catalog, history: History, undos: Undos) -> None:
        self._catalog, self._history, self._undos = catalog, history, undos

    async def begun(self, asked: Asked, tenant: str) -> Asked:
        """What can be done before the state is known: media that are named as another store called them get their own
        ids, for the log knows no others."""
        if not isinstance(asked, Batch):
            return asked
        names = await self._catalog.aliases(tenant, await _named(asked))
        if not names:
            return asked

        def renamed() -> Batch:
            sent = tuple(media_renamed(op, names) for op in asked.sent)
            return msgspec.structs.replace(asked, ops=msgspec.convert(sent, tuple[Op, ...]), sent=sent)

        return await apart_if(asked.heavy, renamed)

    async def on(self, asked: Asked, project_id: str, state: ProjectState | None, tenant: str) -> Prepared:
        """The command for that state. Raises RefusedError, EditError, OverBudgetError, FileRefusedError,
        ImportRefusedError."""
        match asked:
            case Batch():
                return await self._batch(asked, project_id, state, tenant)
            case Undo():
                there = _there(state, project_id)
                return await self._batch(await self._undos.batch(asked, project_id), project_id, there, tenant)
            case Export():
                return Prepared(_export(asked, state))
            case TimelineFile():
                return Prepared(*await bringing.timeline(asked, _there(state, project_id), self._catalog, tenant))
            case CaptionsFile():
                return Prepared(*await bringing.captions(asked, _there(state, project_id), self._catalog, tenant))
            case OldBatch():
                if state is None:
                    raise NotFoundError("The project does not exist.")
                return Prepared(await old_words.batch(asked, state, self._catalog, tenant))
            case OldVersions():
                return Prepared(await old_words.versions(asked, state, self._catalog, tenant))
            case command:
                return Prepared(command)

    async def _batch(self, batch: Batch, project_id: str, state: ProjectState | None, tenant: str) -> Prepared:
        most = self._catalog.budget(tenant).batch_ops
        if len(batch.ops) > most:
            raise OverBudgetError("batchOps", most, len(batch.ops), "/ops")
        used = state.sequence.uses if state is not None else ()
        known = await self._earlier(project_id, state, batch.ops)
        back = chain.from_iterable(sequence.uses for sequence in known.values())
        shelf = await self._catalog.shelf(tenant, chain(used, back, await _named(batch)))
        earlier: Earlier = known.get if known else nothing_earlier
        typed, sent, losses = batch.ops, batch.sent, None
        if batch.files and state is not None:
            files, sequence, ledger = batch.files, state.sequence, Ledger()

            def with_files() -> tuple[tuple[Op, ...], tuple[dict[str, Any], ...]]:
                found = with_captions(batch.ops, batch.sent, files, sequence, shelf, earlier, ledger)
                bringing.as_stored(found[0])
                return found

            typed, sent = await asyncio.to_thread(with_files)
            losses = ledger.report()
        expected = batch.expected_version
        if batch.on_conflict == "rebase" and state is not None and expected is not None and _near(state, expected):
            versions = await self._history.span(project_id, expected, state.version)
            if found := await asyncio.to_thread(against, typed, expected, versions, shelf, earlier):
                raise CollidedError(expected, state.version, found)
            expected = state.version
        command = CommitOps(
            typed, sent, shelf, shelf.sha256, expected, batch.message, earlier, gesture=batch.gesture, size=batch.size
        )  # fmt: skip
        return Prepared(command, losses)

    async def _earlier(self, project_id: str, state: ProjectState | None, ops: Iterable[Op]) -> dict[int, Sequence]:
        """The versions that the ops go back to. Raises EditError when those are too many."""
        known: dict[int, Sequence] = {}
        if state is None:
            return known
        for index, op in enumerate(ops):
            for version in went_back(op):
                if version <= state.version and version not in known:
                    if len(known) == FARTHEST_BACK:
                        detail = f"one batch goes back to at most {FARTHEST_BACK} versions"
                        raise EditError(f"/ops/{index}", detail)
                    known[version] = await self._history.at(project_id, version)
        return known


async def _named(batch: Batch) -> set[str]:
    """The media that a batch names."""
    return await apart_if(batch.heavy, lambda: set(media_named(batch.sent)))


def went_back(op: Op) -> Iterable[int]:
    """The versions whose timelines an op needs."""
    match op:
        case HistoryRevert(to_version=version):
            return (version,)
        case HistoryUndo(versions=versions):
            return chain.from_iterable((first - 1, last) for first, last in runs(versions))
        case _:
            return ()


def _near(state: ProjectState, expected: int) -> bool:
    return not state.deleted and 0 < state.version - expected <= FARTHEST


def _there(state: ProjectState | None, project_id: str) -> ProjectState:
    if state is None:
        raise NotFoundError(f"Project {project_id} does not exist.")
    return state


def _export(asked: Export, state: ProjectState | None) -> RequestExport | RetryExport:
    version = asked.version if asked.version is not None else state.version if state is not None else 0
    if asked.retry and state is not None:
        before = exported(state, version, asked.profile)
        if before is not None and state.exports[before].status in ("failed", "cancelled"):
            return RetryExport(before)
    return RequestExport(new_id("x"), version, asked.profile)
