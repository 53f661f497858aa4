"""A group commit: appends that wait for it, what the database takes of them, and what it gave."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any, Final

import msgspec

from cutlog.contract.envelope import Event, RawEvent, encode, type_name
from cutlog.contract.ids import event_id, uuid7
from services.ops.log.records import Append, Appended, Meta

TOLD: Final = 64 << 10
"""Characters of the events of a group commit up to which they are told, and not only that there are new ones."""

Committed = tuple[list[Appended], list[str] | None]
"""Where the appends are, and the data of their events as stored."""


@dataclass(slots=True, eq=False)
class Waiting:
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


def encoded(append: Append) -> Waiting:
    if not append.events:
        raise ValueError("an append needs an event")
    count = len(append.events)
    key = append.key
    ids = [uuid7() if key is None else event_id(key, index) for index in range(count)]
    meta = [_meta(append, 1)] * count
    if count > 1:
        meta[0] = _meta(append, count)
    data = [encode(fact).decode() for fact in append.events]
    return Waiting(append, ids, data, meta, asyncio.get_running_loop().create_future())


def _meta(append: Append, events: int) -> str:
    meta = Meta(tenant=append.tenant, actor=append.actor, trace=append.trace, events=events)
    return msgspec.json.encode(meta).decode()


def columns(batch: list[Waiting]) -> tuple[Any, ...]:
    """What `append` takes."""
    ends = accumulate(len(waiting.ids) for waiting in batch)
    kept = [(w.append.keep, end) for w, end in zip(batch, ends, strict=True) if w.append.keep is not None]
    return (
        [w.append.stream for w in batch for _ in w.ids],
        [w.append.expected_version + n for w in batch for n in range(1, len(w.ids) + 1)],
        [id_ for w in batch for id_ in w.ids],
        [type_name(data) for w in batch for data in w.append.events],
        [data for w in batch for data in w.data],
        [meta for w in batch for meta in w.meta],
        sum(len(data) for w in batch for data in w.data) <= TOLD,
        [end for _, end in kept],
        [keep.keyed.tenant for keep, _ in kept],
        [keep.keyed.key for keep, _ in kept],
        [keep.keyed.fingerprint for keep, _ in kept],
        [keep.result for keep, _ in kept],
    )


def placed(batch: list[Waiting], row: Any) -> Committed:
    """What the row says that `append` gives."""
    first: int = row[0]
    appended: list[Appended] = []
    for waiting in batch:
        appended.append(waiting.appended(first, row[1]))
        first = appended[-1].position + 1
    return appended, row[2]


def events(batch: list[Waiting], appended: list[Appended]) -> list[Event]:
    """All that was appended."""
    return [
        Event(
            position=last.position - back, id=waiting.ids[-1 - back], stream=append.stream,
            version=last.version - back, type=type_name(append.events[-1 - back]), tenant=append.tenant,
            actor=append.actor, trace=append.trace, at=last.at, data=append.events[-1 - back],
        )
        for waiting, last in zip(batch, appended, strict=True)
        for append in (waiting.append,)
        for back in range(len(waiting.ids) - 1, -1, -1)
    ]  # fmt: skip


def told(batch: list[Waiting], appended: list[Appended], stored: list[str] | None) -> list[RawEvent]:
    """All that was appended, as the log will give it; nothing where the database did not tell its data."""
    if stored is None:
        return []
    return [
        RawEvent(
            position=event.position, id=event.id, stream=event.stream, version=event.version, type=event.type,
            tenant=event.tenant, actor=event.actor, trace=event.trace, at=event.at, data=msgspec.Raw(data.encode()),
        )
        for event, data in zip(events(batch, appended), stored, strict=True)
    ]  # fmt: skip
