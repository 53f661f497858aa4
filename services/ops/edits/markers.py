"""Ops on markers."""

from __future__ import annotations

from typing import Final

import msgspec

from cutlog.contract.ops import MAX_MARKERS, MarkerAdd, MarkerMove, MarkerRemove
from cutlog.contract.timeline import Marker
from services.ops.edits import touching
from services.ops.edits.definition import Definition, alone
from services.ops.edits.errors import EditError
from services.ops.edits.given import some
from services.ops.edits.sequence import Sequence

_replace = msgspec.structs.replace


def add(sequence: Sequence, op: MarkerAdd) -> Sequence:
    """Puts a marker on the timeline.

    before  v1 [aaaa]               {marker: "m", at: 2, label: "Beat"}
    after   v1 [aaaa]
                 ^ m: Beat
    """
    if len(sequence.markers) >= MAX_MARKERS:
        raise EditError("", f"a project has at most {MAX_MARKERS} markers")
    marker = Marker(id=op.marker, at=op.at, label=op.label, color=op.color)
    sequence = sequence.take(op.marker, "/marker")
    return _replace(sequence, markers=sequence.markers.set(op.marker, marker))


def move(sequence: Sequence, op: MarkerMove) -> Sequence:
    """Puts a marker elsewhere, or changes its label or colour.

    before  v1 [aaaa]               {marker: "m", at: 0}
                 ^ m
    after   v1 [aaaa]
               ^ m
    """
    changes = some(op, "at", "label", "color")
    marker = _find(sequence, op.marker)
    return _replace(sequence, markers=sequence.markers.set(op.marker, _replace(marker, **changes)))


def remove(sequence: Sequence, op: MarkerRemove) -> Sequence:
    """Removes a marker.

    before  v1 [aaaa]               {marker: "m"}
                 ^ m
    after   v1 [aaaa]
    """
    _find(sequence, op.marker)
    return _replace(sequence, markers=sequence.markers.drop(op.marker))


def _find(sequence: Sequence, marker: str) -> Marker:
    found = sequence.markers.get(marker)
    if found is None:
        was = " any more" if marker in sequence.taken else ""
        raise EditError("/marker", f"there is no marker {marker}{was}; name one that is on the timeline")
    return found


OPS: Final = (
    Definition(MarkerAdd, alone(add), touching.nothing),
    Definition(
        MarkerMove, alone(move), lambda op, _: touching.thing("marker", op.marker, *touching.given(op, "marker"))
    ),
    Definition(MarkerRemove, alone(remove), lambda op, _: touching.thing("marker", op.marker, "whole")),
)
