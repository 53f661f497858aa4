"""What the tests of the bus stand on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.bus import Bus, Projection, consume
from cutlog.contract.envelope import Event
from cutlog.contract.events import VersionCommitted
from services.ops.log.append import LogWriter
from services.ops.log.read import LogReader
from services.ops.log.relay import Relay
from tests.support.waiting import eventually


class Backbone:
    """The log with its relay running."""

    def __init__(self, bus: Bus, relay: Relay, writer: LogWriter, reader: LogReader) -> None:
        self.bus, self.relay, self.writer, self.reader = bus, relay, writer, reader
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Backbone:
        self._task = asyncio.create_task(self.relay.run(self._stop))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        assert self._task is not None
        await self._task

    async def relayed(self, position: int) -> None:
        await eventually(lambda: self.relay.state.published == position)


class Counting:
    """A projection that counts edits per project, so applying one twice shows; and effects, each written once."""

    def __init__(self, bus: Bus, engine: AsyncEngine, *, idempotent: bool = False, **rest: Any) -> None:
        self.projection = Projection(
            name="edits",
            durable="render",
            subjects=["evt.project.>"],
            engine=engine,
            apply=self.overwrite if idempotent else self.count,
            reset=None if idempotent else self.forget,
            react=self.react,
            **rest,
        )
        self.bus, self.engine = bus, engine
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(consume(self.bus, self.projection, self._stop))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.end()

    async def end(self) -> None:
        self._stop.set()
        assert self._task is not None
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    def kill(self) -> None:
        """Ends it wherever it is, with nothing put in order but what its connections lose."""
        assert self._task is not None
        self._task.cancel()

    async def count(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        for event in events:
            await connection.execute(
                text(
                    "INSERT INTO edits VALUES (:project, :version, 1) ON CONFLICT (project)"
                    " DO UPDATE SET version = excluded.version, count = edits.count + 1"
                ),
                {"project": event.entity, "version": event.version},
            )

    async def overwrite(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        for event in events:
            assert isinstance(event.data, VersionCommitted)
            await connection.execute(
                text(
                    "INSERT INTO edits VALUES (:project, :version, :version) ON CONFLICT (project)"
                    " DO UPDATE SET version = excluded.version, count = excluded.count"
                ),
                {"project": event.entity, "version": event.version},
            )

    async def forget(self, connection: AsyncConnection) -> None:
        await connection.execute(text("DELETE FROM edits"))

    async def react(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        rows = [{"position": event.position} for event in events]
        await connection.execute(text("INSERT INTO effects VALUES (:position)"), rows)

    async def rows(self) -> list[tuple[str, int, int]]:
        async with self.engine.connect() as connection:
            found = await connection.execute(
                text("SELECT project, version, count AS count_ FROM edits ORDER BY project")
            )
            return [(row.project, row.version, row.count_) for row in found]

    async def effects(self) -> list[int]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(text("SELECT position FROM effects ORDER BY 1"))).scalars())

    async def reaches(self, position: int) -> None:
        await eventually(lambda: self.projection.standing.position == position)

    async def holds(self, count: int) -> None:
        """All of the first `count` positions, of projects of equal length: counted once, each effect once."""
        await self.reaches(count)
        rows = await self.rows()
        assert sum(counted for _, _, counted in rows) == count
        assert all(version == counted for _, version, counted in rows)
        assert await self.effects() == list(range(1, count + 1))


async def asked(bus: Bus, subject: str, body: object = None) -> Any:
    """What a micro endpoint answers: its JSON, or (code, description) of its error."""
    reply = await bus.request(subject, b"" if body is None else msgspec.json.encode(body))
    headers = reply.headers or {}
    if "Nats-Service-Error-Code" in headers:
        return headers["Nats-Service-Error-Code"], headers["Nats-Service-Error"]
    return msgspec.json.decode(reply.data)
