"""From an op to what it does; a batch applies wholly or not at all."""

from __future__ import annotations

from collections.abc import Sequence as Several
from typing import Any, Final

import msgspec

from cutlog.contract.ops import Op
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
from services.ops.edits.size import Budget, OverBudgetError
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
    within the op, and OverBudgetError."""
    return msgspec.structs.replace(_applied(sequence, op, sources, earlier), written=0)


def _applied(sequence: Sequence, op: Op, sources: Sources, earlier: Earlier) -> Sequence:
    definition = DEFINITIONS[type(op)]
    after: Sequence = definition.apply(sequence, op, sources, earlier)
    if not definition.settled:
        after = settle(sequence, after, sources, definition.to_blame(op))
    if sources.budget is not None:
        _check(sources.budget, sequence, after)
    return after


def _check(budget: Budget, before: Sequence, after: Sequence) -> None:
    """Raises OverBudgetError. What makes a timeline smaller is always possible."""
    if after.size > max(budget.timeline_values, before.size):
        raise OverBudgetError("timelineValues", budget.timeline_values, after.size)
    if after.written > budget.edit_values:
        raise OverBudgetError("editValues", budget.edit_values, after.written)


def apply_all(sequence: Sequence, ops: Several[Op], sources: Sources, earlier: Earlier = nothing_earlier) -> Sequence:
    """The sequence after a batch. Raises EditError and OverBudgetError with a pointer `/ops/<i>/…`."""
    for index, op in enumerate(ops):
        try:
            sequence = _applied(sequence, op, sources, earlier)
        except (EditError, OverBudgetError) as error:
            raise error.within(f"/ops/{index}") from None
    return msgspec.structs.replace(sequence, written=0)
