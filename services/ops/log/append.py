"""Appends with group commit: whatever waits while one transaction commits goes into the next, in one statement."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.db.failures import DATABASE_ERRORS, constraint, is_away, is_unstorable
from services.ops.log.batch import Committed, Waiting, columns, encoded, events, placed, told
from services.ops.log.news import Hear
from services.ops.log.records import (
    AlreadyAnsweredError,
    Append,
    Appended,
    Inline,
    LogClosedError,
    LogUnavailableError,
    UnstorableError,
    VersionConflictError,
    Whole,
    Wholly,
)
from services.ops.log.sql import statement

log = structlog.get_logger(__name__)

MAX_EVENTS: Final = 2_000
MAX_CHARACTERS: Final = 16 << 20
PATIENCE: Final = 10.0
"""Seconds for which an append outlives a database that does not answer."""

_APPEND: Final = statement("call_append")
_FIND: Final = statement("find")
_VERSION: Final = statement("version")


_PLAIN: Final = Whole(_APPEND, ())


class LogWriter:
    """The only way into the log; an async context manager that writes while it is open and drains as it closes.

    `inline` projections are derived in the transaction that appends; where `wholly` knows a statement that does both,
    that is all of the transaction, and takes one round trip. `on_commit` is told after each commit which streams have
    grown, and by which events, if these are few. `measured(events, seconds)` is told of each.
    """

    def __init__(
        self, engine: AsyncEngine, *, inline: Sequence[Inline] = (), wholly: Wholly | None = None,
        on_commit: Hear | None = None,
        measured: Callable[[int, float], None] = lambda events, seconds: None,
    ) -> None:  # fmt: skip
        self._engine, self._inline, self._wholly = engine, tuple(inline), wholly
        self._on_commit, self._measured = on_commit, measured
        self._queue: deque[Waiting] = deque()
        self._batch: list[Waiting] = []
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
        waiting = encoded(append)
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

    def _take(self) -> list[Waiting]:
        batch: list[Waiting] = []
        events = characters = 0
        while self._queue and events < MAX_EVENTS and characters < MAX_CHARACTERS:
            waiting = self._queue.popleft()
            if waiting.done.done():
                continue  # the client is gone, and nothing was written for it yet
            batch.append(waiting)
            events += len(waiting.ids)
            characters += sum(map(len, waiting.data))
        return batch

    async def _write(self, batch: list[Waiting]) -> None:
        began = time.monotonic()
        try:
            appended, stored = await self._committed(batch)
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
                grown = [(w.append.stream, result.version) for w, result in zip(batch, appended, strict=True)]
                self._on_commit(grown, told(batch, appended, stored))

    async def _committed(self, batch: list[Waiting]) -> Committed:
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

    async def _transaction(self, connection: AsyncConnection, batch: list[Waiting]) -> Committed:
        given = columns(batch)
        whole = _PLAIN if not self._inline else self._wholly and self._wholly([w.append for w in batch])
        if whole is not None:
            # Past SQLAlchemy, which would begin a transaction: this statement is one.
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            (row,) = await driver.fetch(whole.statement, *given, *whole.columns)
            return placed(batch, row)
        async with connection.begin():
            row = (await connection.exec_driver_sql(_APPEND, given)).one()
            appended, stored = placed(batch, row)
            derived = events(batch, appended)
            for derive in self._inline:
                await derive(connection, derived)
        return appended, stored

    async def _explain(self, waiting: Waiting, error: Exception) -> None:
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
        self, waiting: Waiting, name: str
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
