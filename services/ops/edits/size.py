"""How large a timeline's document is, in values. It is known before an edit is applied in full, so that a small request
can't make a document that nobody could hold.

A value is about a hundred bytes of the document: a keyframe, or a few short fields. Parts of a split clip show all of
its keyframes each, and so they count in each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from cutlog.contract.properties import Animated, Keyframes
from cutlog.contract.timeline import TextSource
from services.ops.edits.excerpt import ANIMATED
from services.ops.edits.lane import Piece
from services.ops.edits.sequence import TrackState
from services.ops.errors import OpsError

_CLIP: Final = 4
_EFFECT: Final = 2
_CAPTION: Final = 2
#: Characters of a title that count as one value.
_CHARACTERS: Final = 100


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What one project's timeline may grow to, and what one batch of ops may write, in values; ops of a batch; bytes of
    a project in the log."""

    timeline_values: int = 500_000
    edit_values: int = 500_000
    batch_ops: int = 1000
    log_bytes: int = 4 << 30


class OverBudgetError(OpsError):
    """An op would make more than the tenant's budget allows. `pointer` is as in EditError; `used` is what there would
    be."""

    def __init__(self, budget: str, limit: int, used: int, pointer: str = "") -> None:
        super().__init__(budget)
        self.budget, self.limit, self.used, self.pointer = budget, limit, used, pointer

    @property
    def detail(self) -> str:
        """A sentence that says what would be right."""
        if self.budget == "logBytes":
            return (
                f"The history of the project would have {self.used} bytes; it may have {self.limit}. Fork the project "
                "and edit the copy, whose history is empty."
            )
        if self.budget == "batchOps":
            return f"The batch has {self.used} ops; one batch may have {self.limit}. Send it in several batches."
        if self.budget == "editValues":
            return (
                f"This batch would write {self.used} values (clips, effects, keyframes); one batch may write "
                f"{self.limit}. Send it in several batches."
            )
        return (
            f"The timeline would have {self.used} values (clips, effects, keyframes); a project may have {self.limit}. "
            "Remove clips or keyframes first, or use another project."
        )

    def within(self, prefix: str) -> OverBudgetError:
        """The same error, seen from further out."""
        return OverBudgetError(self.budget, self.limit, self.used, prefix + self.pointer)


def values(piece: Piece) -> int:
    """The values of one clip."""
    count = _CLIP + sum(_keyframes(getattr(piece, name)) for name in ANIMATED)
    for effect in piece.effects:
        count += _EFFECT + sum(_keyframes(value) for value in effect.params.values())
    if isinstance(piece.source, TextSource):
        text = piece.source.text
        count += len(text.text) // _CHARACTERS + _keyframes(text.x) + _keyframes(text.y)
    return count


def least(clips: int) -> int:
    """The values of so many clips without effects or keyframes."""
    return _CLIP * clips


def captions(tracks: Iterable[TrackState]) -> int:
    """The values of the captions of tracks."""
    return _CAPTION * sum(len(track.captions) for track in tracks)


def size(tracks: Iterable[TrackState]) -> int:
    """The values of tracks, counted anew."""
    tracks = tuple(tracks)
    return captions(tracks) + sum(values(placed.piece) for track in tracks for placed in track.lane)


def _keyframes(value: Animated | str) -> int:
    return len(value.keyframes) if isinstance(value, Keyframes) else 0
