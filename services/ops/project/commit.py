"""The one way down of a change to a project: load, prepare, decide, append, remember.

What is asked for comes as data and what it led to goes as data, for whoever asks to translate: nothing of HTTP is done
while others wait for the project, or for the transaction that appends.
"""

from __future__ import annotations

from collections.abc import Sequence as Several
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.behalf import Behalf
from cutlog.contract.events import ProjectEvent, VersionCommitted
from cutlog.contract.subjects import project_stream
from cutlog.db.idempotency import Answer, Keyed
from services.ops.decide import project
from services.ops.decide.commands import CreateProject, ForkProject
from services.ops.decide.importing import ImportVersions
from services.ops.decide.project_state import ProjectState
from services.ops.decide.refusals import IdUnavailableError, MediaGoneError, NotFoundError, RefusedError
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.edits.size import OverBudgetError
from services.ops.live.feed import Feed
from services.ops.log.append import LogWriter
from services.ops.log.news import Grown
from services.ops.log.read import LogReader
from services.ops.log.records import (
    AlreadyAnsweredError,
    Append,
    Appended,
    Keep,
    Kept,
    LogUnavailableError,
    VersionConflictError,
)
from services.ops.project import results
from services.ops.project.apart import apart, cost
from services.ops.project.asked import Asked, Batch
from services.ops.project.catalog import Catalog
from services.ops.project.history import Head, History
from services.ops.project.log_sizes import LogSizes
from services.ops.project.preparing import Prepared, Preparing
from services.ops.project.results import Done, Result
from services.ops.project.turns import Turns
from services.ops.project.undos import Undos
from services.ops.readmodel.sql import statement

ATTEMPTS: Final = 20
_STREAM_VERSION: Final = statement("stream_version")


class Outcome(msgspec.Struct, frozen=True):
    """What a command led to: the state after it, the events (none: it was so already), where they are in the log, and
    what there is to tell."""

    state: ProjectState
    events: Several[ProjectEvent]
    appended: Appended | None
    result: Result

    @property
    def done(self) -> Done:
        """As it is kept under the key of a request."""
        if self.appended is None:
            return Done(self.result)
        return Done(self.result, self.appended.position, self.appended.at)


class _Decided(NamedTuple):
    """What was decided on a head, and the head after it."""

    prepared: Prepared
    events: Several[ProjectEvent]
    after: Head

    def result(self, project_id: str, behalf: Behalf) -> Result:
        command, losses, missing = self.prepared.command, self.prepared.losses, self.prepared.missing
        return results.result_of(project_id, behalf.actor, command, self.events, self.after.state, losses, missing)


class Tried(NamedTuple):
    """What a batch would lead to: its ops as they would be stored, and the timeline."""

    ops: tuple[dict[str, Any], ...]
    sequence: Sequence


class Commits:
    """Commands to one project stand in line in this process; against other processes the log's versions decide."""

    def __init__(
        self, engine: AsyncEngine, log: LogWriter, reader: LogReader, history: History, catalog: Catalog, feed: Feed,
        sizes: LogSizes,
    ) -> None:  # fmt: skip
        self._engine, self._log, self._reader = engine, log, reader
        self._history, self._catalog, self._feed = history, catalog, feed
        self._preparing = Preparing(catalog, history, Undos(engine))
        self._sizes = sizes
        self._turns = Turns()

    async def commit(
        self, project_id: str, behalf: Behalf, asked: Asked, *, keyed: Keyed | None = None, key: str | None = None
    ) -> Outcome:
        """Decides and appends. `key` is that of a service's command; under a client's Idempotency-Key (`keyed`) the
        result is kept with the events.

        Raises RefusedError, EditError, OverBudgetError, FileRefusedError, ImportRefusedError, AlreadyAnsweredError, and
        what the log raises.
        """
        asked = await self._preparing.begun(asked, behalf.tenant)
        async with self._turns.of(project_id):
            for _ in range(ATTEMPTS):
                head = await self._history.head(project_id)
                if key is not None and (before := await self._reader.find(key)) is not None:
                    assert head is not None, "what was appended has a stream"
                    return Outcome(head.state, (), before, results.Other())
                decided = await self._decided(project_id, head, behalf, asked, keyed)
                if decided is None:
                    continue
                result = decided.result(project_id, behalf)
                if not decided.events:
                    return Outcome(decided.after.state, (), None, result)
                append = _append(project_id, head, decided.events, behalf, result, keyed, key)
                try:
                    appended = await self._log.append(append)
                except VersionConflictError:
                    self._history.doubt(project_id)
                    continue
                except MediaGoneError:
                    for media_id in decided.after.state.sequence.uses:
                        self._catalog.forget(media_id)
                    continue
                if appended.repeated:
                    self._history.doubt(project_id)
                else:
                    self._history.remember(project_id, decided.after)
                self._feed.notify(project_id)
                return Outcome(decided.after.state, decided.events, appended, result)
        raise LogUnavailableError

    async def preview(self, project_id: str, behalf: Behalf, asked: Asked) -> Outcome:
        """What a command would lead to; nothing is appended. Raises what `commit` raises before it appends."""
        asked = await self._preparing.begun(asked, behalf.tenant)
        for _ in range(ATTEMPTS):
            head = await self._history.head(project_id)
            decided = await self._decided(project_id, head, behalf, asked, None)
            if decided is not None and await self._current(project_id, head):
                return Outcome(decided.after.state, decided.events, None, decided.result(project_id, behalf))
        raise LogUnavailableError

    async def tried(self, project_id: str, tenant: str, batch: Batch, version: int) -> Tried:
        """What a batch makes of a version, which need not be the newest. Raises what `commit` raises before it appends,
        and NotFoundError."""
        asked = await self._preparing.begun(batch, tenant)
        head = await self._history.head(project_id)
        if head is None:
            raise NotFoundError("The project does not exist.")
        sequence = await self._history.at(project_id, version)
        state = msgspec.structs.replace(head.state, sequence=sequence, version=version)
        command = (await self._preparing.on(asked, project_id, state, tenant)).command
        (event,), past = await apart(cost(state, command), lambda: project.decide_with_past(state, command))
        assert isinstance(event, VersionCommitted), "a batch makes a version"
        assert past.becomes is not None, "of which there is a timeline"
        return Tried(event.ops, past.becomes)

    async def prepared(self, project_id: str, tenant: str, asked: Asked, state: ProjectState | None) -> Prepared:
        """What is asked for means this on a state. Raises what `commit` raises before it decides."""
        return await self._preparing.on(asked, project_id, state, tenant)

    async def before(self, keyed: Keyed) -> Done | Answer | None:
        """What a request led to when it came before, or the answer that it got where that had no events. Raises
        KeyReusedError."""
        kept = await self._reader.answered(keyed)
        return Done(results.decode(kept.result), kept.position, kept.at) if isinstance(kept, Kept) else kept

    def heard(self, grown: Grown) -> None:
        """What another process appended."""
        for stream, version in grown:
            kind, _, entity = stream.partition(".")
            if kind == "project":
                self._history.heard(entity, version)
                self._feed.notify(entity)
            elif kind == "media":
                self._catalog.forget(entity)

    async def _decided(
        self, project_id: str, head: Head | None, behalf: Behalf, asked: Asked, keyed: Keyed | None
    ) -> _Decided | None:
        """What happens; None when it was decided on a state that is not the newest."""
        state = None if head is None else head.state
        foreign = state is not None and state.tenant != behalf.tenant
        try:
            prepared = await self._preparing.on(asked, project_id, None if foreign else state, behalf.tenant)
            if foreign and not isinstance(prepared.command, CreateProject | ForkProject):
                if isinstance(prepared.command, ImportVersions):
                    raise IdUnavailableError
                raise NotFoundError("The project does not exist.")  # word for word as of one that nobody has
            command = prepared.command
            events, past = await apart(cost(state, command), lambda: project.decide_with_past(state, command))
            await self._sizes.admit(behalf.tenant, project_id, events)
        except (RefusedError, EditError, OverBudgetError):
            if keyed is not None and await self._reader.answered(keyed) is not None:
                raise AlreadyAnsweredError from None
            if await self._current(project_id, head):
                raise
            return None
        if events:
            return _Decided(prepared, events, Head.folded(head, events, behalf.tenant, past))
        if not await self._current(project_id, head):
            return None
        assert head is not None, "what does not exist is never as it should be"
        return _Decided(prepared, (), head)

    async def _current(self, project_id: str, head: Head | None) -> bool:
        """Whether the head is the newest that the log knows; if not, it is doubted."""
        async with self._engine.connect() as connection:
            newest = (await connection.exec_driver_sql(_STREAM_VERSION, (project_stream(project_id),))).scalar_one()
        if newest == (0 if head is None else head.stream_version):
            return True
        self._history.doubt(project_id)
        return False


def _append(
    project_id: str, before: Head | None, events: Several[ProjectEvent], behalf: Behalf, result: Result,
    keyed: Keyed | None, key: str | None,
) -> Append:  # fmt: skip
    return Append(
        stream=project_stream(project_id), expected_version=0 if before is None else before.stream_version,
        events=events, tenant=behalf.tenant, actor=behalf.actor, trace=behalf.trace, key=key,
        keep=None if keyed is None else Keep(keyed, results.encode(result)),
    )  # fmt: skip
