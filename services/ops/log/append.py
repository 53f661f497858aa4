"""Appends with group commit: whatever waits while one transaction commits goes into the next, in one statement."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.contract.envelope import Event, encode, type_name
from cutlog.contract.ids import event_id, uuid7
from cutlog.db.failures import DATABASE_ERRORS, constraint, is_away, is_unstorable
from services.ops.log.news import Grown
from services.ops.log.records import (
    AlreadyAnsweredError,
    Append,
    Appended,
    Inline,
    LogClosedError,
    LogUnavailableError,
    Meta,
    UnstorableError,
    VersionConflictError,
)
from services.ops.log.sql import statement

log = structlog.get_logger(__name__)

MAX_EVENTS: Final = 2_000
MAX_CHARACTERS: Final = 16 << 20
PATIENCE: Final = 10.0
"""Seconds for which an append outlives a database that does not answer."""

_APPEND: Final = "SELECT first, at FROM append($1, $2, $3, $4, $5, $6)"
_KEEP: Final = statement("keep")
_FIND: Final = statement("find")
_VERSION: Final = statement("version")


@dataclass(slots=True, eq=False)
class _Waiting:
    """An append in the queue, encoded."""

    append: Append
    ids: list[uuid.UUID]
    data: list[str]
    meta: list[str]
    done: asyncio.Future[Appended]

    def appended(self, first: int, at: datetime) -> Appended:
        count = len(self.ids)
        return Appended(position=first + count - 1, version=self.append.expected_version + count, at=at)

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class LogWriter:
    """The only way into the log; an async context manager that writes while it is open and drains as it closes.

    `inline` projections are derived in the transaction that appends. `on_commit` is told after each commit which
    streams have grown. `measured(events, seconds)` is told of each.
    """

    def __init__(
        self, engine: AsyncEngine, *, inline: Sequence[Inline] = (), on_commit: Callable[[Grown], None] | None = None,
        measured: Callable[[int, float], None] = lambda events, seconds: None,
    ) -> None:  # fmt: skip
        self._engine, self._inline, self._on_commit, self._measured = engine, tuple(inline), on_commit, measured
        self._queue: deque[_Waiting] = deque()
        self._batch: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._closed = True
        self._connection: AsyncConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> LogWriter:
        self._closed = False
        self._task = asyncio.create_task(self._run(), name="log writer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed = True
        self._wake.set()
        assert self._task is not None
        await self._task

    async def append(self, append: Append) -> Appended:
        """Returns when the events are on disk.

        Raises VersionConflictError, AlreadyAnsweredError, UnstorableError, LogUnavailableError, LogClosedError, or what
        a projection raises.
        """
        if self._closed:
            raise LogClosedError
        waiting = _encoded(append)
        self._queue.append(waiting)
        self._wake.set()
        return await waiting.done

    async def _run(self) -> None:
        try:
            while self._queue or not self._closed:
                if not self._queue:
                    self._wake.clear()
                    await self._wake.wait()
                self._batch = self._take()
                if self._batch:
                    await self._write(self._batch)
        finally:
            self._closed = True
            for waiting in (*self._batch, *self._queue):
                waiting.fail(LogClosedError())
            await self._disconnect()

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        events = characters = 0
        while self._queue and events < MAX_EVENTS and characters < MAX_CHARACTERS:
            waiting = self._queue.popleft()
            if waiting.done.done():
                continue  # the client is gone, and nothing was written for it yet
            batch.append(waiting)
            events += len(waiting.ids)
            characters += sum(map(len, waiting.data))
        return batch

    async def _write(self, batch: list[_Waiting]) -> None:
        began = time.monotonic()
        try:
            appended = await self._committed(batch)
        except LogUnavailableError as error:
            for waiting in batch:
                waiting.fail(error)
        except Exception as error:
            if len(batch) > 1:
                for waiting in batch:
                    await self._write([waiting])
            else:
                await self._explain(batch[0], error)
        else:
            for waiting, result in zip(batch, appended, strict=True):
                if not waiting.done.done():
                    waiting.done.set_result(result)
            self._measured(sum(len(waiting.ids) for waiting in batch), time.monotonic() - began)
            if self._on_commit is not None:
                self._on_commit([(w.append.stream, result.version) for w, result in zip(batch, appended, strict=True)])

    async def _committed(self, batch: list[_Waiting]) -> list[Appended]:
        """Writes the batch, again and again while the database is away: ids keep that from writing twice."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            try:
                return await self._transaction(await self._connect(), batch)
            except DATABASE_ERRORS as error:
                if not is_away(error):
                    raise
                await self._disconnect()
                if loop.time() > deadline:
                    raise LogUnavailableError from error
                log.warning("log.database_unavailable", error=type(error).__name__, waiting=len(batch))
                await asyncio.sleep(0.2)

    async def _transaction(self, connection: AsyncConnection, batch: list[_Waiting]) -> list[Appended]:
        columns = (
            [w.append.stream for w in batch for _ in w.ids],
            [w.append.expected_version + n for w in batch for n in range(1, len(w.ids) + 1)],
            [id_ for w in batch for id_ in w.ids],
            [type_name(data) for w in batch for data in w.append.events],
            [data for w in batch for data in w.data],
            [meta for w in batch for meta in w.meta],
        )
        async with connection.begin():
            row = (await connection.exec_driver_sql(_APPEND, columns)).one()
            first: int = row.first
            appended: list[Appended] = []
            for waiting in batch:
                appended.append(waiting.appended(first, row.at))
                first = appended[-1].position + 1
            if self._inline:
                events = [event for w, result in zip(batch, appended, strict=True) for event in _events(w, result)]
                for derive in self._inline:
                    await derive(connection, events)
            for waiting, result in zip(batch, appended, strict=True):
                if waiting.append.also is not None:
                    await waiting.append.also(connection, result)
            await _keep_results(connection, batch, appended)
        return appended

    async def _explain(self, waiting: _Waiting, error: Exception) -> None:
        """Tells a client why its append was refused; or that it had been written before, which is no refusal."""
        try:
            match constraint(error):
                case None:
                    waiting.fail(UnstorableError(str(error)) if is_unstorable(error) else error)
                case name:
                    outcome = await self._taken(waiting, name) or error
                    if isinstance(outcome, Exception):
                        waiting.fail(outcome)
                    elif not waiting.done.done():
                        waiting.done.set_result(outcome)
        except Exception as failure:
            waiting.fail(LogUnavailableError() if is_away(failure) else failure)

    async def _taken(
        self, waiting: _Waiting, name: str
    ) -> Appended | VersionConflictError | AlreadyAnsweredError | None:
        append = waiting.append
        connection = await self._connect()
        async with connection.begin():
            before = (await connection.exec_driver_sql(_FIND, (waiting.ids[0],))).one_or_none()
            if before is not None and before.stream == append.stream:
                return Appended(position=before.position, version=before.version, at=before.at, repeated=True)
            if name == "answer_key":
                return AlreadyAnsweredError()
            if name not in ("event_stream_version", "event_no_gap"):
                return None
            actual = (await connection.exec_driver_sql(_VERSION, (append.stream,))).scalar_one()
            return VersionConflictError(append.stream, append.expected_version, actual)

    async def _connect(self) -> AsyncConnection:
        if self._connection is None:
            self._connection = await self._engine.connect()
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.invalidate()
                await connection.close()
            except DATABASE_ERRORS as error:
                log.debug("log.close_failed", error=repr(error))


def _encoded(append: Append) -> _Waiting:
    if not append.events:
        raise ValueError("an append needs an event")
    count = len(append.events)
    key = append.key
    ids = [uuid7() if key is None else event_id(key, index) for index in range(count)]
    meta = [_meta(append, 1)] * count
    if count > 1:
        meta[0] = _meta(append, count)
    data = [encode(fact).decode() for fact in append.events]
    return _Waiting(append, ids, data, meta, asyncio.get_running_loop().create_future())


def _meta(append: Append, events: int) -> str:
    meta = Meta(tenant=append.tenant, actor=append.actor, trace=append.trace, events=events)
    return msgspec.json.encode(meta).decode()


def _events(waiting: _Waiting, appended: Appended) -> list[Event]:
    append, count = waiting.append, len(waiting.ids)
    return [
        Event(
            position=appended.position - count + n, id=id_, stream=append.stream,
            version=appended.version - count + n, type=type_name(data), tenant=append.tenant, actor=append.actor,
            trace=append.trace, at=appended.at, data=data,
        )
        for n, (id_, data) in enumerate(zip(waiting.ids, append.events, strict=True), 1)
    ]  # fmt: skip


async def _keep_results(connection: AsyncConnection, batch: list[_Waiting], appended: list[Appended]) -> None:
    rows = [
        (keep.keyed.tenant, keep.keyed.key, keep.keyed.fingerprint, keep.result, result.position)
        for waiting, result in zip(batch, appended, strict=True)
        if (keep := waiting.append.keep) is not None
    ]
    if rows:
        await connection.exec_driver_sql(_KEEP, tuple(map(list, zip(*rows, strict=True))))
