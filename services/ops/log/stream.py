"""The stream EVENTS as the relay sees it: to be looked at, made whole, and published to behind its last message.

The relay seals what it publishes under a key that is kept with the log. So it can tell history that the log has lost,
upon which it stops, from a message that somebody else published, which it removes with the stream that holds it.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
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
from cutlog.process.readiness import CannotServe
from services.ops.errors import OpsError
from services.ops.log.records import raw_event
from services.ops.log.sql import statement
from services.ops.log.told import Told

log = structlog.get_logger(__name__)

MAX_BYTES: Final = 2 << 20
"""Of a batch, as PostgreSQL stores it."""

FOREIGN_AT: Final = "foreign_at"
"""Metadata of the stream: when a foreign message was last removed."""
MOST_NAMED: Final = 100
"""Foreign messages of one stream that are counted and logged one by one."""

_READ: Final = statement("read")
_HEAD: Final = statement("head")
_ID: Final = statement("id")


_WAY_OUT: Final = (
    "The stream holds events that the log in PostgreSQL does not have, as after a restore from an older backup. "
    "Nothing is published until somebody decides. Either restore the newer database; or accept the loss: remove the "
    "stream (`nats stream rm EVENTS`, or the folder nats of a stack at rest) and start ops again"
)


class StreamAheadError(OpsError, CannotServe):
    """History that the stream has was lost from the log."""

    def __init__(self, last: int, head: int) -> None:
        super().__init__(f"EVENTS is at {last}, the log at {head}. {_WAY_OUT}")
        self.last, self.head = last, head


@dataclass(frozen=True, slots=True)
class _Ends:
    """Where the log ends, and how its messages are known."""

    head: int
    id: uuid.UUID
    key: bytes

    @property
    def metadata(self) -> dict[str, str]:
        """What a stream says that holds this log, sealed under this key."""
        return {"log_id": str(self.id), "seal": messages.seal_name(self.key)}


@dataclass
class Counts:
    """`foreign`: messages that somebody else published; `rebuilt`: how often the stream was made anew; `from_told` and
    `from_log`: events that were published as they were told, or after they had been read."""

    rebuilt: int = 0
    foreign: int = 0
    from_told: int = 0
    from_log: int = 0


class EventStream:
    """Events come from what was `told`, or else from the log, through `connection` (autocommit). `last` is the stream's
    last sequence, the only cursor."""

    def __init__(
        self, bus: Bus, connection: AsyncConnection, told: Told | None = None, counts: Counts | None = None
    ) -> None:
        self._bus, self._connection = bus, connection
        self._told = Told() if told is None else told
        self._counts = Counts() if counts is None else counts
        self.last = 0
        self._key = b""
        self._foreign_at: datetime | None = None
        self._coming: asyncio.Task[list[RawEvent]] | None = None

    async def look(self) -> None:
        """Raises StreamAheadError if that is how things are; changes nothing. Raises BusError."""
        info = await streams.stream_info(self._bus, EVENTS)
        ends = await self._ends()
        if info is not None and _metadata(info).get("log_id") == str(ends.id):
            await self._check_ahead(info, ends)

    async def sync(self) -> None:
        """Looks at what the stream really holds, and makes it anew when it is not the log's beginning.

        Raises StreamAheadError, BusError.
        """
        await self.close()
        ends = await self._ends()
        info = await streams.stream_info(self._bus, EVENTS)
        if info is not None and (why := await self._unfit(info, ends)) is not None:
            await self._remove(why)
            info = None
        config = streams.events(ends.id, messages.seal_name(ends.key))
        if self._foreign_at is not None:
            config["metadata"][FOREIGN_AT] = self._foreign_at.isoformat()
        await streams.ensure(self._bus, config)
        self._key = ends.key
        self.last = info["state"]["last_seq"] if info is not None else 0

    async def publish(self, *, look: bool = True) -> bool:
        """Publishes the next events, as many as fit a batch; whether there may be more in the log. Reads there where it
        is to `look`, and where something is missing in what was told. Raises BusError: then `sync` first.

        While the server takes a full batch, the next is read.
        """
        told = [] if self._coming is not None else self._told.after(self.last)
        page = told or (await self._page() if look or self._told or self._coming is not None else [])
        if not page:
            return False
        end = page[-1].position
        if not told and len(page) == MAX_BATCH:
            self._coming = asyncio.create_task(self._read(end))
        outgoing = [sealed(self._key, event) for event in page]
        try:
            last = await publish_batch(self._bus, outgoing, self.last)
            if last != end:
                raise BusError(f"position {end} became message {last}")
        except (BusError, NatsError):
            await self.close()
            raise
        self.last = last
        self._counts.from_told += len(told)
        self._counts.from_log += len(page) - len(told)
        return look or not told or len(told) == MAX_BATCH

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

    async def _ends(self) -> _Ends:
        row = (await self._connection.exec_driver_sql(_HEAD)).one()
        return _Ends(row.position, row.log_id, bytes(row.seal))

    async def _unfit(self, info: dict[str, Any], ends: _Ends) -> str | None:
        """Why the stream is not the log from position 1 to its last message, if it is not. Raises StreamAheadError."""
        metadata = _metadata(info)
        if metadata.get("log_id") != str(ends.id):
            return "it belongs to another log"
        await self._check_ahead(info, ends)
        if metadata.get("seal") != ends.metadata["seal"]:
            return "its messages are not sealed under the log's key"
        state = info["state"]
        last, first, count = state["last_seq"], state["first_seq"], state["messages"]
        if last == 0:
            return None
        if foreign := await self._foreign(last, ends):
            return f"{foreign} of its messages are not the relay's"
        if count != last:
            return f"it holds {count} messages, from {first} to {last}"
        stored = (await self._connection.exec_driver_sql(_ID, (last,))).scalar_one_or_none()
        message = await self._message(last)
        published = message and message.head.get("Nats-Msg-Id")
        return None if published == str(stored) else f"its message {last} is {published}, in the log {stored}"

    async def _check_ahead(self, info: dict[str, Any], ends: _Ends) -> None:
        """Raises StreamAheadError if the stream has what the log should have: sealed, or of a time when nothing was."""
        last, head = info["state"]["last_seq"], ends.head
        if last <= head or last <= (head := (await self._ends()).head):
            return
        if _metadata(info).get("seal") == ends.metadata["seal"]:
            message = await self._message(head + 1)
            if message is not None and not message.is_genuine(ends.key):
                return
        raise StreamAheadError(last, head)

    async def _foreign(self, last: int, ends: _Ends) -> int:
        """How many messages at the end of the stream are not the relay's; each is named in the log, up to a limit. What
        was published behind one is foreign too, for the relay publishes behind its own last message only."""
        found = 0
        while last > 0 and found < MOST_NAMED:
            message = await self._message(last)
            if message is None or message.is_genuine(ends.key):
                break
            log.error(
                "relay.foreign_message", stream=EVENTS, sequence=last, subject=message.subject,
                size=len(message.payload), headers=sorted(message.head)[:20],
            )  # fmt: skip
            found, last = found + 1, last - 1
        if found:
            self._counts.foreign += found
            self._foreign_at = datetime.now(UTC)
        return found

    async def _message(self, sequence: int) -> _Message | None:
        try:
            answer = await self._bus.api(f"STREAM.MSG.GET.{EVENTS}", {"seq": sequence})
        except ApiError as error:
            if error.code == MESSAGE_NOT_FOUND:
                return None
            raise
        stored = answer["message"]
        lines = base64.b64decode(stored.get("hdrs", "")).decode("utf-8", "replace").split("\r\n")[1:]
        head = {name: value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}
        return _Message(sequence, stored["subject"], head, base64.b64decode(stored.get("data", "")))

    async def _remove(self, why: str) -> None:
        log.warning("relay.stream_rebuilt", stream=EVENTS, why=why)
        await self._bus.api(f"STREAM.DELETE.{EVENTS}")
        self._counts.rebuilt += 1


@dataclass(frozen=True, slots=True)
class _Message:
    """A message as the stream holds it."""

    sequence: int
    subject: str
    head: dict[str, str]
    payload: bytes

    def is_genuine(self, key: bytes) -> bool:
        return messages.is_genuine(key, self.subject, self.sequence, self.head, self.payload)


def sealed(key: bytes, event: RawEvent) -> Outgoing:
    """The message that carries an event."""
    head, payload = messages.headers(event), bytes(event.data)
    head[messages.SEAL] = messages.seal(key, event.position, head, payload)
    return Outgoing(messages.subject(event), head, payload)


async def last_foreign(bus: Bus) -> datetime | None:
    """When a foreign message was last removed from the stream, if one was. Raises BusError."""
    info = await streams.stream_info(bus, EVENTS)
    at = _metadata(info).get(FOREIGN_AT) if info is not None else None
    return None if at is None else datetime.fromisoformat(at)


def _metadata(info: dict[str, Any]) -> dict[str, str]:
    return info["config"].get("metadata") or {}
