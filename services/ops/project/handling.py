"""Commands to events: load, decide, append, remember. The only caller of the log's writer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from weakref import WeakValueDictionary

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.commands import CollectExport, GcCommand, MediaCommand, ReportExport, ReportProxy
from cutlog.contract.events import EventData, PlanCalculated, PolicyChanged, ProjectEvent
from cutlog.contract.subjects import media_stream, project_stream, run_stream
from cutlog.db.idempotency import Keyed
from services.ops.decide import media, project, run
from services.ops.decide.commands import CreateProject, ForkProject, ProjectCommand
from services.ops.decide.importing import ImportVersions
from services.ops.decide.media import MediaState
from services.ops.decide.project_state import Past, ProjectState
from services.ops.decide.refusals import IdUnavailable, NotFound, Refused
from services.ops.edits.errors import EditError
from services.ops.edits.size import OverBudgetError
from services.ops.live.feed import Feed
from services.ops.log.append import LogWriter
from services.ops.log.news import Grown
from services.ops.log.read import LogReader
from services.ops.log.records import (
    AlreadyAnswered,
    Append,
    Appended,
    IdempotentReply,
    LogUnavailable,
    VersionConflict,
)
from services.ops.project.apart import apart, cost
from services.ops.project.catalog import Catalog
from services.ops.project.history import Head, History
from services.ops.readmodel.guard import MediaGone
from services.ops.readmodel.sql import statement

ATTEMPTS: Final = 20
_MEDIA_STATE: Final = statement("media_state")
_COUNT_USES: Final = statement("count_uses")
_COUNT_LIVING: Final = statement("count_living_uses")
_STREAM_VERSION: Final = statement("stream_version")
_STATE: Final = msgspec.json.Decoder(MediaState)


class Who(msgspec.Struct, frozen=True):
    """On whose behalf: tenant, actor and W3C traceparent, as the events will tell."""

    tenant: str
    actor: str
    trace: str


class Outcome(msgspec.Struct, frozen=True):
    """What a command led to: the state after it, the events (none: it was so already) and where they are in the log."""

    state: ProjectState
    events: Sequence[ProjectEvent]
    appended: Appended | None


class Keep(msgspec.Struct, frozen=True):
    """The answer to keep under a client's Idempotency-Key, together with the events that it is about."""

    keyed: Keyed
    status: int
    body: Callable[[Outcome], bytes]


Make = Callable[[ProjectState | None], Awaitable[ProjectCommand]]
"""Makes a command from the state it will be decided on, with what must be looked up for it."""


class Handling:
    """Commands to one stream stand in line in this process; against other processes the log's versions decide."""

    def __init__(
        self, engine: AsyncEngine, log: LogWriter, reader: LogReader, history: History, catalog: Catalog, feed: Feed
    ) -> None:
        self._engine, self._log, self._reader = engine, log, reader
        self._history, self._catalog, self._feed = history, catalog, feed
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def project(
        self, project_id: str, who: Who, make: Make, *, keep: Keep | None = None, key: str | None = None
    ) -> Outcome:
        """Decides and appends. `key` is that of a service's command, `keep` serves a client's Idempotency-Key.

        Raises Refused, EditError, AlreadyAnswered, and what the log raises.
        """
        stream = project_stream(project_id)
        async with self._turn(stream):
            for _ in range(ATTEMPTS):
                head = await self._history.head(project_id)
                if key is not None and (before := await self._reader.find(key)) is not None:
                    assert head is not None, "what was appended has a stream"
                    return Outcome(head.state, (), before)
                decided = await self._decided(project_id, head, who, make, keep)
                if decided is None:
                    continue
                events, past = decided
                if not events:
                    assert head is not None, "what does not exist is never as it should be"
                    return Outcome(head.state, (), None)
                after = Head.folded(head, events, who.tenant, past)
                append = self._append(stream, head, after, events, who, keep, key)
                try:
                    appended = await self._log.append(append)
                except VersionConflict:
                    self._history.doubt(project_id)
                    continue
                except MediaGone:
                    for media_id in after.state.sequence.uses:
                        self._catalog.forget(media_id)
                    continue
                if appended.repeated:
                    self._history.doubt(project_id)
                else:
                    self._history.remember(project_id, after)
                self._feed.notify(project_id)
                return Outcome(after.state, events, appended)
        raise LogUnavailable

    async def preview(self, project_id: str, who: Who, make: Make) -> Outcome:
        """What a command would lead to; nothing is appended. Raises Refused, EditError."""
        for _ in range(ATTEMPTS):
            head = await self._history.head(project_id)
            decided = await self._decided(project_id, head, who, make, None)
            if decided is not None and await self._current(project_id, head):
                events, past = decided
                return Outcome(Head.folded(head, events, who.tenant, past).state, events, None)
        raise LogUnavailable

    async def report(
        self, project_id: str, who: Who, report: ReportProxy | ReportExport | CollectExport, key: str
    ) -> Appended:
        """Records a renderer's last word, or what is collected; once per key.

        Raises Refused, and what the log raises.
        """

        async def make(_: ProjectState | None) -> ProjectCommand:
            return report

        outcome = await self.project(project_id, who, make, key=key)
        assert outcome.appended is not None, "a service reports what is news"
        return outcome.appended

    async def media(self, command: MediaCommand, who: Who, key: str) -> Appended:
        """Records a fact about media. Raises Refused, and what the log raises."""
        stream = media_stream(command.media_id)
        async with self._turn(stream):
            for _ in range(ATTEMPTS):
                if (before := await self._reader.find(key)) is not None:
                    return before
                async with self._engine.connect() as connection:
                    row = (await connection.exec_driver_sql(_MEDIA_STATE, (command.media_id,))).one_or_none()
                    uses = (await connection.exec_driver_sql(_COUNT_USES, (command.media_id,))).scalar_one()
                    living = (await connection.exec_driver_sql(_COUNT_LIVING, (command.media_id,))).scalar_one()
                state = None if row is None else _STATE.decode(row.state)
                events = media.decide(state, command, who.tenant, uses, living)
                version = 0 if row is None else row.stream_version
                try:
                    appended = await self._log.append(_service_append(stream, version, events, who, key))
                except VersionConflict:
                    continue
                self._catalog.forget(command.media_id)
                return appended
        raise LogUnavailable

    async def run(self, stream_id: str, command: GcCommand, who: Who, key: str) -> Appended:
        """Records a garbage collection plan or policy. Raises Refused, and what the log raises."""
        stream, version = run_stream(stream_id), 0
        async with self._turn(stream):
            if (before := await self._reader.find(key)) is not None:
                return before
            state = run.initial_state()
            for raw in await self._reader.stream(stream):
                fact, version = raw.decode().data, raw.version
                assert isinstance(fact, PlanCalculated | PolicyChanged), "a run's stream holds its plan"
                state = run.evolve(state, fact)
            return await self._log.append(_service_append(stream, version, run.decide(state, command), who, key))

    def heard(self, grown: Grown) -> None:
        """What another process appended."""
        for stream, version in grown:
            kind, _, entity = stream.partition(".")
            if kind == "project":
                self._history.heard(entity, version)
                self._feed.notify(entity)
            elif kind == "media":
                self._catalog.forget(entity)

    def _turn(self, stream: str) -> asyncio.Lock:
        """Who holds it acts on the stream; it lives while somebody holds it or waits for it."""
        lock = self._locks.get(stream)
        if lock is None:
            lock = self._locks[stream] = asyncio.Lock()
        return lock

    async def _decided(
        self, project_id: str, head: Head | None, who: Who, make: Make, keep: Keep | None
    ) -> tuple[Sequence[ProjectEvent], Past] | None:
        """The events and what they go back to; None when they were decided on a state that is not the newest."""
        state = None if head is None else head.state
        foreign = state is not None and state.tenant != who.tenant
        try:
            command = await make(None if foreign else state)
            if foreign and not isinstance(command, CreateProject | ForkProject):
                if isinstance(command, ImportVersions):
                    raise IdUnavailable
                raise NotFound("The project does not exist.")  # word for word as of one that nobody has
            events, past = await apart(cost(state, command), lambda: project.decide_with_past(state, command))
        except (Refused, EditError, OverBudgetError):
            if keep is not None and await self._reader.answered(keep.keyed) is not None:
                raise AlreadyAnswered from None
            if await self._current(project_id, head):
                raise
            return None
        if events or await self._current(project_id, head):
            return events, past
        return None

    async def _current(self, project_id: str, head: Head | None) -> bool:
        """Whether the head is the newest that the log knows; if not, it is doubted."""
        async with self._engine.connect() as connection:
            newest = (await connection.exec_driver_sql(_STREAM_VERSION, (project_stream(project_id),))).scalar_one()
        if newest == (0 if head is None else head.stream_version):
            return True
        self._history.doubt(project_id)
        return False

    def _append(
        self, stream: str, before: Head | None, after: Head, events: Sequence[ProjectEvent], who: Who,
        keep: Keep | None, key: str | None,
    ) -> Append:  # fmt: skip
        reply = None
        if keep is not None:
            body = keep.body
            reply = IdempotentReply(
                keep.keyed, keep.status, lambda appended: body(Outcome(after.state, events, appended))
            )
        return Append(
            stream=stream, expected_version=0 if before is None else before.stream_version, events=events,
            tenant=who.tenant, actor=who.actor, trace=who.trace, key=key, reply=reply,
        )  # fmt: skip


def _service_append(stream: str, version: int, events: Sequence[EventData], who: Who, key: str) -> Append:
    return Append(
        stream=stream, expected_version=version, events=events, tenant=who.tenant, actor=who.actor, trace=who.trace,
        key=key,
    )  # fmt: skip
