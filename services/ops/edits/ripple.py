"""What moves when a clip becomes longer, shorter or goes."""

from __future__ import annotations

from cutlog.contract.ops import Ripple
from services.ops.edits.sequence import Sequence


def follow(sequence: Sequence, index: int, frame: int, shift: int, ripple: Ripple) -> Sequence:
    """With ripple `all`: on every unlocked track but the one at `index`, clips from `frame` on move by `shift`.

    Clips that started earlier stay, so a move to the left can find one in the way: an EditError names it.

        before  v1 [aaaa][bb]       a loses its last 2 frames
                v2 ·····[cc]
        after   v1 [aa][bb]
                v2 ···[cc]
    """
    if ripple != "all" or not shift:
        return sequence
    for other, track in enumerate(sequence.tracks):
        if other == index or track.locked:
            continue
        later = track.lane.after(frame)
        if later is not None and later.at < frame:
            later = track.lane.place(later.rank + 1)
        if later is not None:
            sequence = sequence.spliced(other, later.rank, later.rank, (), shift, "/ripple")
    return sequence
