"""Ops on transitions. What an edit does to the transitions around it is in `settle`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import UNSET

from cutlog.contract.effects import TRANSITIONS
from cutlog.contract.ops import TransitionAdd, TransitionRemove, TransitionSet
from services.ops.edits import touching
from services.ops.edits.definition import Definition, alone
from services.ops.edits.errors import EditError
from services.ops.edits.given import some
from services.ops.edits.lane import Joint
from services.ops.edits.sequence import Found, Sequence
from services.ops.edits.shifting import adjacent
from services.ops.edits.touching import Touch

_replace = msgspec.structs.replace


def add(sequence: Sequence, op: TransitionAdd) -> Sequence:
    """Lets one clip become the next, made from their handles; nothing moves.

    before  v1 [aaaa][bbbb]         {transition: "t", left: "a", right: "b", kind: "dissolve", frames: 3}
    after   v1 [aaa////bbb]         from 1 frame before the cut to 2 after it; 2 frames of a's handle, 1 of b's
    """
    found = adjacent(sequence, op.left, op.right)
    there = found.placed.piece.tail
    if there is not None:
        raise EditError("/left", f"transition {there.id} is between {op.left} and {op.right}; change that one")
    _check_kind(op.kind, found)
    joint = Joint(op.transition, op.right, op.kind, op.frames)
    sequence = sequence.take(op.transition, "/transition")
    return sequence.changed(found, _replace(found.placed.piece, tail=joint))


def change(sequence: Sequence, op: TransitionSet) -> Sequence:
    """Changes kind and length of a transition.

    before  v1 [aaa////bbb]         {transition: "t", frames: 1}
    after   v1 [aaaa//bbbb]
    """
    changes = some(op, "kind", "frames")
    found, joint = _find(sequence, op.transition)
    if op.kind is not UNSET:
        _check_kind(op.kind, found)
    return sequence.changed(found, _replace(found.placed.piece, tail=_replace(joint, **changes)))


def remove(sequence: Sequence, op: TransitionRemove) -> Sequence:
    """Makes a transition a cut again.

    before  v1 [aaa////bbb]         {transition: "t"}
    after   v1 [aaaa][bbbb]
    """
    found, _ = _find(sequence, op.transition)
    return sequence.changed(found, _replace(found.placed.piece, tail=None))


def _find(sequence: Sequence, transition: str) -> tuple[Found, Joint]:
    left = sequence.transitions.get(transition)
    if left is None:
        was = " any more" if transition in sequence.taken else ""
        raise EditError("/transition", f"there is no transition {transition}{was}; name one that is on the timeline")
    found = sequence.open_clip(left, "/transition")
    joint = found.placed.piece.tail
    assert joint is not None, "the books agree with the clips"
    return found, joint


def _check_kind(kind: str, found: Found) -> None:
    if kind not in TRANSITIONS:
        raise EditError("/kind", f"there is no transition {kind}; the kinds are: {', '.join(TRANSITIONS)}")
    if found.track.kind == "audio" and kind != "dissolve":
        raise EditError("/kind", f"track {found.track.id} plays sound only, which can only dissolve")


def _touched_by_add(op: TransitionAdd, _base: Sequence) -> Iterable[Touch]:
    yield from touching.clip(op.left, "transition", "out")
    yield from touching.clip(op.right, "in")


OPS: Final = (
    Definition(TransitionAdd, alone(add), _touched_by_add, "/frames"),
    Definition(
        TransitionSet,
        alone(change),
        lambda op, _: touching.thing("transition", op.transition, *touching.given(op, "transition")),
        "/frames",
    ),
    Definition(TransitionRemove, alone(remove), lambda op, _: touching.thing("transition", op.transition, "whole")),
)
