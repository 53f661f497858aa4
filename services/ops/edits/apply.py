"""From an op to what it does; a batch applies wholly or not at all."""

from __future__ import annotations

from collections.abc import Sequence as Several
from typing import Any, Final

import msgspec

from cutlog.contract.ops import HistoryRevert, Op
from services.ops.edits import (
    captions,
    clips,
    effects,
    history,
    links,
    looks,
    markers,
    pasting,
    project,
    shifting,
    texts,
    timing,
    tracks,
    transitions,
)
from services.ops.edits.definition import Definition
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.edits.settle import settle
from services.ops.edits.sources import Earlier, Sources, nothing_earlier

ROOMS: Final = (
    project, tracks, clips, pasting, shifting, timing, links, looks, texts, effects, transitions, captions, markers,
    history,
)  # fmt: skip
DEFINITIONS: Final[dict[type[msgspec.Struct], Definition[Any]]] = {
    definition.op: definition for room in ROOMS for definition in room.OPS
}


def apply(sequence: Sequence, op: Op, sources: Sources, earlier: Earlier = nothing_earlier) -> Sequence:
    """The sequence after one op. `earlier` has the versions that can be reverted to. Raises EditError with a pointer
    within the op."""
    definition = DEFINITIONS[type(op)]
    after: Sequence = definition.apply(sequence, op, sources, earlier)
    return after if isinstance(op, HistoryRevert) else settle(sequence, after, sources, definition.to_blame(op))


def apply_all(sequence: Sequence, ops: Several[Op], sources: Sources, earlier: Earlier = nothing_earlier) -> Sequence:
    """The sequence after a batch. Raises EditError with a pointer `/ops/<i>/…`."""
    for index, op in enumerate(ops):
        try:
            sequence = apply(sequence, op, sources, earlier)
        except EditError as error:
            raise error.within(f"/ops/{index}") from None
    return sequence
