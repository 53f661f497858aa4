"""What moves when a clip becomes longer, shorter or goes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from services.ops.edits.sequence import Sequence


def follow(sequence: Sequence, frame: int, shift: int, but: Collection[int] = ()) -> Sequence:
    """Moves, on every unlocked track but those with the indices `but`, the clips from `frame` on by `shift`.

    Clips that started earlier stay, so a move to the left can find one in the way: an EditError names it.

        before  v1 [aaaa][bb]       a loses its last 2 frames
                v2 ·····[cc]
        after   v1 [aa][bb]
                v2 ···[cc]
    """
    if not shift:
        return sequence
    for index, track in enumerate(sequence.tracks):
        if index in but or track.locked:
            continue
        later = track.lane.after(frame)
        if later is not None and later.at < frame:
            later = track.lane.place(later.rank + 1)
        if later is not None:
            sequence = sequence.spliced(index, later.rank, later.rank, (), shift, "/ripple")
    return sequence


def close(sequence: Sequence, ranges: Iterable[tuple[int, int]]) -> Sequence:
    """Takes frames [start, end) out of all unlocked tracks. Ranges that overlap are closed once.

    before  v1 ····[bb]         frames 0 to 4
            v2 ····[cc]
    after   v1 [bb]
            v2 [cc]
    """
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    for start, end in reversed(joined):
        sequence = follow(sequence, end, start - end)
    return sequence
