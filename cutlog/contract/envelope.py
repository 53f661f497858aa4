"""An event with its place in the log, and the registry that turns a name and bytes back into a fact."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from types import UnionType
from typing import Final, get_args

import msgspec

from cutlog.contract.base import Wire
from cutlog.contract.events import EventData
from cutlog.contract.upcasting import UPCASTERS, Upcaster, upcast


class UnknownEventTypeError(Exception):
    """The log holds an event of a type that this build does not know; a newer build wrote it."""


class RawEvent(Wire):
    """An event as stored and published.

    `stream` is `<category>.<id>`; `version` counts within it from 1, `position` over all streams from 1, without gaps.
    """

    position: int
    id: uuid.UUID
    stream: str
    version: int
    type: str
    tenant: str
    actor: str
    trace: str
    at: datetime
    data: msgspec.Raw

    def decode(self) -> Event:
        """The same with typed data. Raises UnknownEventTypeError, msgspec.ValidationError."""
        return Event(
            position=self.position,
            id=self.id,
            stream=self.stream,
            version=self.version,
            type=self.type,
            tenant=self.tenant,
            actor=self.actor,
            trace=self.trace,
            at=self.at,
            data=decode(self.type, self.data),
        )


class Event(Wire):
    """A RawEvent whose data has been decoded."""

    position: int
    id: uuid.UUID
    stream: str
    version: int
    type: str
    tenant: str
    actor: str
    trace: str
    at: datetime
    data: EventData

    @property
    def category(self) -> str:
        return self.stream.partition(".")[0]

    @property
    def entity(self) -> str:
        """The id of the project, media or run that the event is about."""
        return self.stream.partition(".")[2]


def _members(union: UnionType) -> dict[str, type[EventData]]:
    return {member.__name__: member for member in get_args(union)}


TYPES: Final[dict[str, type[EventData]]] = _members(EventData)
_DECODERS: Final = {name: msgspec.json.Decoder(kind) for name, kind in TYPES.items()}
_ENCODER: Final = msgspec.json.Encoder()


def type_name(data: EventData) -> str:
    return type(data).__name__


def encode(data: EventData) -> bytes:
    """The payload of an event: proto3 JSON of the message with the type's name."""
    return _ENCODER.encode(data)


def decode(
    type_: str, payload: bytes | memoryview | msgspec.Raw, upcasters: Mapping[str, Upcaster] = UPCASTERS
) -> EventData:
    """The fact in a payload, as it is said today. Raises UnknownEventTypeError, msgspec.ValidationError."""
    decoder = _DECODERS.get(type_)
    if decoder is not None:
        return decoder.decode(payload)
    if type_ not in upcasters:
        raise UnknownEventTypeError(type_)
    name, fact = upcast(type_, msgspec.json.decode(payload), upcasters)
    if name not in TYPES:
        raise UnknownEventTypeError(name)
    return msgspec.convert(fact, TYPES[name])
