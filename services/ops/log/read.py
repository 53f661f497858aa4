"""Reads the log: by position over all streams, or one stream by version."""

from __future__ import annotations

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.envelope import RawEvent
from cutlog.contract.ids import event_id
from cutlog.db.idempotency import Answer, Keyed, same
from services.ops.log.records import Appended, Kept, raw_event
from services.ops.log.sql import statement

_READ: Final = statement("read")
_PLACES: Final = statement("places")
_AT: Final = statement("at")
_FOLLOW: Final = statement("follow")
_STREAM: Final = statement("stream")
_FIND: Final = statement("find")
_HEAD: Final = statement("head")
_VERSION: Final = statement("version")
_ANSWERED: Final = statement("answered")

MAX_BYTES: Final = 8 << 20
NEWEST: Final = 2**31 - 1


class LogReader:
    """Each call is one statement on a connection of the pool; nothing here waits for a writer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self, after: int, limit: int = 1000, *, max_bytes: int = MAX_BYTES) -> list[RawEvent]:
        """Events of positions after + 1, …: at most `limit` and about `max_bytes` as stored, but one at least."""
        async with self._engine.connect() as connection:
            rows = await connection.exec_driver_sql(_READ, (after, limit, max_bytes))
            return [raw_event(row) for row in rows]

    async def stream(
        self, stream: str, after_version: int = 0, *, until: int = NEWEST, limit: int = 1_000_000
    ) -> list[RawEvent]:
        """Events of one stream, of versions after_version + 1 to `until`."""
        async with self._engine.connect() as connection:
            rows = await connection.exec_driver_sql(_STREAM, (stream, after_version, until, limit))
            return [raw_event(row) for row in rows]

    async def version(self, stream: str) -> int:
        """The newest version of a stream; 0 when it has no events."""
        async with self._engine.connect() as connection:
            found: int = (await connection.exec_driver_sql(_VERSION, (stream,))).scalar_one()
        return found

    async def follow(
        self, stream: str, after_version: int, limit: int, *, max_bytes: int = MAX_BYTES
    ) -> list[RawEvent]:
        """Events of one stream after a version: at most `limit` and about `max_bytes` as stored, but one at least."""
        async with self._engine.connect() as connection:
            rows = await connection.exec_driver_sql(_FOLLOW, (stream, after_version, limit, max_bytes))
            return [raw_event(row) for row in rows]

    async def places(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Position and stream of the events after a position, in order, at most `limit`."""
        async with self._engine.connect() as connection:
            rows = await connection.exec_driver_sql(_PLACES, (after, limit))
            return [(row.position, row.stream) for row in rows]

    async def at(self, positions: list[int], *, max_bytes: int = MAX_BYTES) -> list[RawEvent]:
        """The events at ascending positions: about `max_bytes` as stored, but the first one at least."""
        async with self._engine.connect() as connection:
            return [raw_event(row) for row in await connection.exec_driver_sql(_AT, (positions, max_bytes))]

    async def head(self) -> int:
        """The last position given; 0 in an empty log."""
        return (await self.ends())[0]

    async def log_id(self) -> uuid.UUID:
        """Tells this log from all others: made once, with the database."""
        return (await self.ends())[1]

    async def ends(self) -> tuple[int, uuid.UUID, bytes]:
        """The last position given, the log's id, and the key under which its messages are sealed."""
        async with self._engine.connect() as connection:
            row = (await connection.exec_driver_sql(_HEAD)).one()
            return row.position, row.log_id, row.seal

    async def find(self, key: str) -> Appended | None:
        """What was appended under a command's key, if anything was: to be asked before the command is decided again."""
        async with self._engine.connect() as connection:
            row = (await connection.exec_driver_sql(_FIND, (event_id(key, 0),))).one_or_none()
        return row and Appended(position=row.position, version=row.version, at=row.at, repeated=True)

    async def answered(self, keyed: Keyed) -> Kept | Answer | None:
        """What was kept for a request: what its events led to, or an answer that had none. Raises KeyReusedError."""
        async with self._engine.connect() as connection:
            row = (await connection.exec_driver_sql(_ANSWERED, (keyed.tenant, keyed.key))).one_or_none()
        if row is None:
            return None
        same(row.fingerprint, keyed.fingerprint)
        return Answer(row.status, row.body) if row.result is None else Kept(row.result, row.position, row.at)
