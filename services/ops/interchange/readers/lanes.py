"""Things at moments of a timeline as the tracks of OpenTimelineIO, on which one follows the other."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from . import otio
from .otio import Json


class Placed(NamedTuple):
    """A clip or stack on [start, end), in units of 1 / rate seconds."""

    start: Fraction
    end: Fraction
    item: Json


def apart(things: Iterable[Placed]) -> list[list[Placed]]:
    """Things in order of time, on as many lanes as they need to be side by side; later ones lie above."""
    lanes: list[list[Placed]] = []
    for thing in sorted(things, key=lambda thing: thing.start):
        for lane in lanes:
            if lane[-1].end <= thing.start:
                lane.append(thing)
                break
        else:
            lanes.append([thing])
    return lanes


def children(lane: Iterable[Placed], joints: dict[Fraction, Json], rate: Fraction) -> list[Json]:
    """What a track has: things that are apart, gaps between them, and transitions at their cuts, which are taken out
    of `joints`."""
    found: list[Json] = []
    end = Fraction(0)
    for thing in lane:
        if thing.start > end:
            if found and (joint := joints.pop(end, None)) is not None:
                found.append(joint)
            found.append(otio.gap(thing.start - end, rate))
        if (joint := joints.pop(thing.start, None)) is not None:
            found.append(joint)
        found.append(thing.item)
        end = thing.end
    if found and (joint := joints.pop(end, None)) is not None:
        found.append(joint)
    return found
