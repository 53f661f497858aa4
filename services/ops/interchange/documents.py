"""Our own JSON of timelines, tracks, clips, transitions and markers, inside a file of another format."""

from __future__ import annotations

from functools import cache
from math import copysign
from typing import Any, Final, TypeVar

import msgspec

from cutlog.contract.timeline import Canvas, Clip, Marker, Track, Transition
from services.ops.interchange.schema import Metadata, Own, own

T = TypeVar("T", Canvas, Clip, Marker, Track, Transition)

_ENCODER: Final = msgspec.json.Encoder()


def wrap(value: Canvas | Clip | Marker | Track | Transition, ident: str) -> Metadata:
    """Metadata that hold the whole of an object, without what is as it always is."""
    return Metadata(cutlog=Own(id=ident, document=_ENCODER.encode(_sparse(value)).decode()))


def unwrap(metadata: Metadata, kind: type[T]) -> T | None:
    """The object, if we wrote it and it can still be read."""
    told = own(metadata)
    if told is None or told.schema != "cutlog/1":
        return None
    try:
        return msgspec.json.decode(told.document, type=kind)
    except (msgspec.DecodeError, RecursionError):
        return None


def usual(value: object, default: object) -> bool:
    """Whether a value is the default, to the sign of zero: timelines with -0.0 have another digest."""
    return value == default and not (isinstance(value, float) and value == 0 and copysign(1, value) < 0)


def _sparse(value: msgspec.Struct) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, encoded, default, required in _fields(type(value)):
        if not usual(each := getattr(value, name), default) or required:
            found[encoded] = each
    return found


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str, Any, bool], ...]:
    """Of each field its name, its name in JSON, its default, and whether it is required. It takes msgspec a while."""
    return tuple((each.name, each.encode_name, each.default, each.required) for each in msgspec.structs.fields(kind))
