"""The stream EVENTS as the relay sees it: to be looked at, made whole, and published to behind its last message."""

from __future__ import annotations

import asyncio
import base64
import uuid
from typing import Any, Final

import structlog
from nats.errors import Error as NatsError
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus import messages, streams
from cutlog.bus.batch import MAX_BATCH, Outgoing, publish_batch
from cutlog.bus.connection import Bus
from cutlog.bus.errors import MESSAGE_NOT_FOUND, ApiError, BusError
from cutlog.contract.envelope import RawEvent
from cutlog.contract.subjects import EVENTS
from cutlog.service import CannotServe
from services.ops.log.records import raw_event
from services.ops.log.sql import statement

log = structlog.get_logger(__name__)

MAX_BYTES: Final = 2 << 20
"""Of a batch, as PostgreSQL stores it."""

_READ: Final = statement("read")
_HEAD: Final = statement("head")
_ID: Final = statement("id")


_WAY_OUT: Final = (
    "The stream holds events that the log in PostgreSQL does not have, as after a restore from an older backup. "
    "Nothing is published until somebody decides. Either restore the newer database; or accept the loss: remove the "
    "stream (`nats stream rm EVENTS`, or the folder nats of a stack at rest) and start ops again"
)


class StreamAhead(CannotServe):
    """History that the stream has was lost from the log."""

    def __init__(self, last: int, head: int) -> None:
        super().__init__(f"EVENTS is at {last}, the log at {head}. {_WAY_OUT}")
        self.last, self.head = last, head


class EventStream:
    """Reads the log through `connection` (autocommit). `last` is the stream's last sequence, the only cursor."""

    def __init__(self, bus: Bus, connection: AsyncConnection) -> None:
        self._bus, self._connection = bus, connection
        self.last = 0
        self.rebuilt = 0
        self._coming: asyncio.Task[list[RawEvent]] | None = None

    async def look(self) -> None:
        """Raises StreamAhead if that is how things are; changes nothing. Raises BusError."""
        info = await streams.stream_info(self._bus, EVENTS)
        head, log_id = await self._head()
        if info is not None and _log_id(info) == str(log_id) and info["state"]["last_seq"] > head:
            raise StreamAhead(info["state"]["last_seq"], head)

    async def sync(self) -> None:
        """Looks at what the stream really holds, and makes it anew when it is not the log's beginning.

        Raises StreamAhead, BusError.
        """
        await self.close()
        head, log_id = await self._head()
        info = await streams.stream_info(self._bus, EVENTS)
        if info is not None and _log_id(info) != str(log_id):
            await self._remove("it belongs to another log")
            info = None
        if info is not None:
            state = info["state"]
            if state["last_seq"] > head and state["last_seq"] > (head := (await self._head())[0]):
                raise StreamAhead(state["last_seq"], head)
            if (damage := await self._damage(state)) is not None:
                await self._remove(damage)
                info = None
        await streams.ensure(self._bus, streams.events(log_id))
        self.last = info["state"]["last_seq"] if info is not None else 0

    async def publish(self) -> int:
        """Publishes the next events, as many as fit a batch; how many. Raises BusError: then `sync` first.

        While the server takes a full batch, the next is read.
        """
        page = await self._page()
        if not page:
            return 0
        end = page[-1].position
        if len(page) == MAX_BATCH:
            self._coming = asyncio.create_task(self._read(end))
        outgoing = [Outgoing(messages.subject(event), messages.headers(event), bytes(event.data)) for event in page]
        try:
            last = await publish_batch(self._bus, outgoing, self.last)
            if last != end:
                raise BusError(f"position {end} became message {last}")
        except (BusError, NatsError):
            await self.close()
            raise
        self.last = last
        return len(page)

    async def close(self) -> None:
        """Leaves the connection to others: what is being read is read to its end, since a query that is broken off
        takes the connection, and what it leads by, with it."""
        coming, self._coming = self._coming, None
        if coming is not None:
            await asyncio.gather(coming, return_exceptions=True)

    async def _page(self) -> list[RawEvent]:
        """The events that follow. Nothing may have been there when they were read ahead, and be there now."""
        coming, self._coming = self._coming, None
        return (coming is not None and await coming) or await self._read(self.last)

    async def _read(self, after: int) -> list[RawEvent]:
        return [raw_event(row) for row in await self._connection.exec_driver_sql(_READ, (after, MAX_BATCH, MAX_BYTES))]

    async def _head(self) -> tuple[int, uuid.UUID]:
        row = (await self._connection.exec_driver_sql(_HEAD)).one()
        return row.position, row.log_id

    async def _damage(self, state: dict[str, Any]) -> str | None:
        """Why the stream is not the log from position 1 to its last message, if it is not."""
        last, first, count = state["last_seq"], state["first_seq"], state["messages"]
        if last == 0:
            return None
        if count != last:
            return f"it holds {count} messages, from {first} to {last}"
        published = await self._message_id(last)
        stored = (await self._connection.exec_driver_sql(_ID, (last,))).scalar_one_or_none()
        return None if published == str(stored) else f"its message {last} is {published}, in the log {stored}"

    async def _message_id(self, sequence: int) -> str | None:
        try:
            answer = await self._bus.api(f"STREAM.MSG.GET.{EVENTS}", {"seq": sequence})
        except ApiError as error:
            if error.code == MESSAGE_NOT_FOUND:
                return None
            raise
        for line in base64.b64decode(answer["message"].get("hdrs", "")).decode().split("\r\n"):
            if line.startswith("Nats-Msg-Id: "):
                return line.removeprefix("Nats-Msg-Id: ")
        return None

    async def _remove(self, why: str) -> None:
        log.warning("the stream is made anew from the log", stream=EVENTS, why=why)
        await self._bus.api(f"STREAM.DELETE.{EVENTS}")
        self.rebuilt += 1


def _log_id(info: dict[str, Any]) -> str | None:
    """Which log the stream was made from."""
    return (info["config"].get("metadata") or {}).get("log_id")
