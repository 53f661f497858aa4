"""What goes into the log and what comes back, and the ways it can be refused."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.base import Wire
from cutlog.contract.envelope import Event, RawEvent
from cutlog.contract.events import EventData
from cutlog.db.idempotency import Keyed
from services.ops.errors import OpsError


class Appended(msgspec.Struct, frozen=True):
    """Position and stream version of the last event appended; `repeated` when that had happened before."""

    position: int
    version: int
    at: datetime
    repeated: bool = False


class Keep(msgspec.Struct, frozen=True):
    """What a request led to, as data to keep with its events, in their transaction, under its Idempotency-Key."""

    keyed: Keyed
    result: bytes


class Kept(msgspec.Struct, frozen=True):
    """What was kept, and where and when the events of the request were appended."""

    result: bytes
    position: int
    at: datetime


Inline = Callable[[AsyncConnection, Sequence[Event]], Awaitable[None]]
"""Derives rows from events in the transaction that appends them; called once for all events of a group commit."""


class Append(msgspec.Struct, frozen=True):
    """Events to follow version `expected_version` of `stream` (0: none yet), all or none.

    `key` names the command they come from: appended again under the same key, they are not written twice.
    """

    stream: str
    expected_version: int
    events: Sequence[EventData]
    tenant: str
    actor: str
    trace: str
    key: str | None = None
    keep: Keep | None = None


class Whole(NamedTuple):
    """A statement that appends events with all rows derived from them, and the columns that it takes after those of
    `append`."""

    statement: str
    columns: tuple[list[Any], ...]


Wholly = Callable[[Sequence[Append]], Whole | None]
"""The statement that does it for these appends; None, where there is none."""


class LogError(OpsError):
    """The log could not take the events."""


class VersionConflictError(LogError):
    """Somebody else changed it first."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"{stream} is at version {actual}, not {expected}")
        self.stream, self.expected, self.actual = stream, expected, actual


class AlreadyAnsweredError(LogError):
    """The Idempotency-Key has an answer already; nothing was written."""


class UnstorableError(LogError):
    """The events hold text that PostgreSQL cannot store, such as a NUL character."""


class LogUnavailableError(LogError):
    """The database does not answer. The events may have been written; asking again under the same key is safe."""


class LogClosedError(LogError):
    """The service is shutting down."""


class Meta(Wire, omit_defaults=True):
    """The column `meta`: who and why. `events` counts what was appended together, on the first of them only."""

    tenant: str
    actor: str
    trace: str
    events: int = 1


_META: Final = msgspec.json.Decoder(Meta)

Row = tuple[int, str, int, uuid.UUID, str, str, str, datetime]
"""Columns as `read.sql` and `stream.sql` give them."""


def raw_event(row: Row | Any) -> RawEvent:
    """The event in a row of `read.sql` or `stream.sql`."""
    position, stream, version, id_, type_, data, meta, at = row
    who = _META.decode(meta)
    return RawEvent(
        position=position, id=id_, stream=stream, version=version, type=type_, tenant=who.tenant,
        actor=who.actor, trace=who.trace, at=at, data=msgspec.Raw(data.encode()),
    )  # fmt: skip
