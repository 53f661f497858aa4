"""Whether a batch may go on top of versions that its author has not seen. Pure.

A batch touches values: fields of the clips that it names, other parts of the timeline, places where it puts clips. It
collides with a version that made one of them another. What a ripple only moved along is touched by ops that say a
frame of the timeline, and by no others.
"""

from __future__ import annotations

from collections.abc import Sequence as Several

from cutlog.contract.answers.edits import Collision
from cutlog.contract.ops import Op
from services.ops.edits.apply import DEFINITIONS, apply_all
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Earlier, Sources
from services.ops.edits.touching import Touch
from services.ops.timeline.values import ABSENT, Value, part


def against(
    ops: Several[Op], base: int, versions: Several[Sequence], sources: Sources, earlier: Earlier
) -> list[Collision]:
    """What stands against putting `ops` on top of `versions`: the first is what their author saw, version `base` of
    the project, and the others are those that were missed, in order. Raises EditError, if they never applied."""
    if found := collisions(ops, base, versions):
        apply_all(versions[0], ops, sources, earlier)
        return found
    try:
        apply_all(versions[-1], ops, sources, earlier)
    except EditError as error:
        apply_all(versions[0], ops, sources, earlier)
        return [Collision(pointer=error.pointer, of="project", id="", field="", version=base + len(versions) - 1,
                          detail=f"It does not apply any more: {error.detail}.")]  # fmt: skip
    return []


def collisions(ops: Several[Op], base: int, versions: Several[Sequence]) -> list[Collision]:
    """The values that `ops` touch and that `versions` after the first made others."""
    found = []
    for index, op in enumerate(ops):
        for touch in dict.fromkeys(DEFINITIONS[type(op)].touches(op, versions[0])):
            if (number := _changed(touch, base, versions)) is not None:
                found.append(_collision(touch, f"/ops/{index}", number, versions[number - base]))
    return found


def collision(touch: Touch, pointer: str, base: int, versions: Several[Sequence]) -> Collision:
    """What is said of a value that versions after `base` made another: the newest that did is named."""
    number = base + len(versions) - 1
    while number > base + 1 and _value(versions[number - base - 1], touch) == _value(versions[-1], touch):
        number -= 1
    return _collision(touch, pointer, number, versions[number - base])


def _changed(touch: Touch, base: int, versions: Several[Sequence]) -> int | None:
    """The first version in which a value is not what it is in the first of them."""
    before = _value(versions[0], touch)
    later = enumerate(versions[1:], base + 1)
    return next((number for number, sequence in later if _value(sequence, touch) != before), None)


def _collision(touch: Touch, pointer: str, version: int, sequence: Sequence) -> Collision:
    return Collision(
        pointer=pointer, of=touch.of, id=touch.id, field=touch.field, version=version,
        detail=_sentence(touch, version, _value(sequence, touch)),
    )  # fmt: skip


def _sentence(touch: Touch, version: int, after: Value) -> str:
    if after is ABSENT:
        return f"Version {version} took {touch.of} {touch.id} away."
    match touch:
        case Touch("place"):
            start, end = touch.frames
            return f"Version {version} changed what is on track {touch.id} at frames {start} to {end}."
        case Touch(field="timeline"):
            return f"Version {version} changed the timeline."
        case _:
            what = "" if touch.field == "whole" else f" {touch.field} of"
            return f"Version {version} changed{what} {touch.of} {touch.id}."


def _value(sequence: Sequence, touch: Touch) -> Value:
    if touch.of != "place":
        return part(sequence, touch.of, touch.id, touch.field)
    return _around(sequence, touch.id, *touch.frames)


def _around(sequence: Sequence, track: str, start: int, end: int) -> Value:
    """The clips of a track that cover frames [start, end) or touch them, each with its place."""
    for candidate in sequence.tracks:
        if candidate.id == track:
            found = []
            placed = candidate.lane.after(start - 1)
            while placed is not None and placed.at <= end:
                found.append((placed.piece.id, placed.at, placed.piece.frames))
                placed = candidate.lane.place(placed.rank + 1)
            return found
    return ABSENT
