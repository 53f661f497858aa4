"""What an op touches: the values of a timeline that must be as its author saw them, for the op to mean the same.

Fields are called as in JSON. What a ripple only moves along is touched by ops that say a frame of the timeline, and by
no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET

from services.ops.edits.sequence import Sequence

#: What decides which frames of the timeline a clip shows, and of its source.
FRAMES: Final = ("in", "out", "frames", "speed", "reversed")


class Touch(NamedTuple):
    """`field` of the thing `of` with an id; a place has the frames that it covers, the others none."""

    of: str
    id: str
    field: str
    frames: tuple[int, int] = (0, 0)


def nothing(_op: msgspec.Struct, _base: Sequence) -> Iterable[Touch]:
    """Of an op that only adds what nobody else can have changed."""
    return ()


def thing(of: str, id_: str, *fields: str) -> Iterator[Touch]:
    """Fields of one thing."""
    return (Touch(of, id_, field) for field in fields)


def clip(id_: str, *fields: str) -> Iterator[Touch]:
    """Fields of a clip."""
    return thing("clip", id_, *fields)


def clips(ids: Iterable[str], *fields: str) -> Iterator[Touch]:
    """The same fields of several clips."""
    return (touch for id_ in ids for touch in clip(id_, *fields))


def given(op: msgspec.Struct, *but: str) -> Iterator[str]:
    """The fields of an op that were given, as they are called in JSON."""
    for field, shown in zip(op.__struct_fields__, op.__struct_encode_fields__, strict=True):
        if field not in but and getattr(op, field) is not UNSET:
            yield shown


def place(track: str | None, at: int, frames: int, mode: str) -> Iterator[Touch]:
    """Where a clip is put: insert cuts at a frame, overwrite takes a stretch away; place only asks for room."""
    if track is not None and mode != "place":
        yield Touch("place", track, "place", (at, at + frames if mode == "overwrite" else at))


def linked(base: Sequence, id_: str) -> tuple[str, ...]:
    """The clips that an op on a clip is on as well."""
    return base.links.get(id_) or (id_,)
