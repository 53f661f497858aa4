"""From an op to the function that does it; a batch applies wholly or not at all."""

from __future__ import annotations

from collections.abc import Sequence as Several
from typing import assert_never

from cutlog.contract.ops import (
    ClipAdd,
    ClipMove,
    ClipRemove,
    ClipSet,
    ClipSplit,
    ClipTrim,
    Op,
    ProjectConfigure,
    TextSet,
    TrackAdd,
    TrackMove,
    TrackRemove,
    TrackSet,
)
from services.ops.edits import clips, project, texts, tracks
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Sources


def apply(sequence: Sequence, op: Op, sources: Sources) -> Sequence:
    """The sequence after one op. Raises EditError with a pointer within the op."""
    match op:
        case ProjectConfigure():
            return project.configure(sequence, op)
        case TrackAdd():
            return tracks.add(sequence, op)
        case TrackRemove():
            return tracks.remove(sequence, op)
        case TrackMove():
            return tracks.move(sequence, op)
        case TrackSet():
            return tracks.change(sequence, op)
        case ClipAdd():
            return clips.add(sequence, op, sources)
        case ClipRemove():
            return clips.remove(sequence, op)
        case ClipMove():
            return clips.move(sequence, op, sources)
        case ClipTrim():
            return clips.trim(sequence, op, sources)
        case ClipSplit():
            return clips.split(sequence, op)
        case ClipSet():
            return clips.change(sequence, op)
        case TextSet():
            return texts.change(sequence, op)
        case _:
            assert_never(op)


def apply_all(sequence: Sequence, ops: Several[Op], sources: Sources) -> Sequence:
    """The sequence after a batch. Raises EditError with a pointer `/ops/<i>/…`."""
    for index, op in enumerate(ops):
        try:
            sequence = apply(sequence, op, sources)
        except EditError as error:
            raise error.within(f"/ops/{index}") from None
    return sequence
