"""What an undo must keep, of a timeline and of what others did."""

from __future__ import annotations

from cutlog.contract import ops as o
from services.ops.edits.apply import DEFINITIONS
from services.ops.edits.sequence import Sequence
from services.ops.timeline.values import part


def kept(op: o.Op, was: Sequence, is_: Sequence, before: Sequence, after: Sequence) -> bool:
    """Whether the values that an op made others, and that still stand, are as they were before an undo of others."""
    if isinstance(op, o.HistoryUndo | o.HistoryRevert):
        return True
    for of, id_, field, _ in DEFINITIONS[type(op)].touches(op, was):
        if of == "place" or field in ("at", "index", "timeline") or (of, field) == ("track", "whole"):
            continue
        made = part(is_, of, id_, field)
        if made != part(was, of, id_, field) and part(before, of, id_, field) == made != part(after, of, id_, field):
            return False
    return True


def timeline(sequence: Sequence) -> tuple[object, ...]:
    """What two sequences have in common whose timelines are equal."""
    return sequence.canvas, sequence.tracks, sequence.markers, sequence.links, sequence.transitions, sequence.uses
