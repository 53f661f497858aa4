"""What is said of an op in one place: what it does, what it touches, which of its arguments is to blame."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Generic, TypeVar

import msgspec

from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Earlier, Sources
from services.ops.edits.touching import Touch

O = TypeVar("O", bound=msgspec.Struct)  # noqa: E741

Edit = Callable[[Sequence, O, Sources, Earlier], Sequence]


class Definition(msgspec.Struct, Generic[O], frozen=True):
    """An op of the edit language. Its arguments are those of `op`.

    `apply`: the sequence after it. `touches`: what must be as its author saw it, in the timeline that they saw.
    `blamed`: a pointer to the argument to name when it leaves a transition too few frames; empty is the op itself.
    `settled`: the books of the sequence agree with its clips already (see `settle`).
    """

    op: type[O]
    apply: Edit[O]
    touches: Callable[[O, Sequence], Iterable[Touch]]
    blamed: str | Callable[[O], str] = ""
    settled: bool = False

    def to_blame(self, op: O) -> str:
        """`blamed`, for an op."""
        return self.blamed if isinstance(self.blamed, str) else self.blamed(op)


def alone(edit: Callable[[Sequence, O], Sequence]) -> Edit[O]:
    """An edit that looks at nothing but the sequence."""

    @wraps(edit)
    def applied(sequence: Sequence, op: O, _sources: Sources, _earlier: Earlier) -> Sequence:
        return edit(sequence, op)

    return applied


def with_media(edit: Callable[[Sequence, O, Sources], Sequence]) -> Edit[O]:
    """An edit that must know the media it uses."""

    @wraps(edit)
    def applied(sequence: Sequence, op: O, sources: Sources, _earlier: Earlier) -> Sequence:
        return edit(sequence, op, sources)

    return applied


def with_history(edit: Callable[[Sequence, O, Earlier], Sequence]) -> Edit[O]:
    """An edit that goes back to an earlier version."""

    @wraps(edit)
    def applied(sequence: Sequence, op: O, _sources: Sources, earlier: Earlier) -> Sequence:
        return edit(sequence, op, earlier)

    return applied
