"""Ops that keep the timeline's length: other frames in the same place, or a cut that moves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from cutlog.contract.ops import ClipReplace, ClipRoll, ClipSlide, ClipSlip
from cutlog.contract.timeline import MediaSource
from services.ops.edits import touching
from services.ops.edits.definition import Definition, with_media
from services.ops.edits.errors import EditError
from services.ops.edits.excerpt import trimmed
from services.ops.edits.footage import check_inside, check_media, check_track, footage, streams_of
from services.ops.edits.lane import Piece, Placed
from services.ops.edits.sequence import Found, Sequence
from services.ops.edits.sources import Sources
from services.ops.edits.touching import Touch

_replace = msgspec.structs.replace


def slip(sequence: Sequence, op: ClipSlip, sources: Sources) -> Sequence:
    """Shows later or earlier frames of the source at the same place.

    before  v1 [aa][345][cc]    {clip: "b", by: 2}
    after   v1 [aa][567][cc]    b shows frames 5, 6, 7 in place of 3, 4, 5
    """
    found = sequence.open_clip(op.clip)
    source = footage(found.placed.piece, "slip")
    moved = _replace(source, start=source.start + op.by, end=source.end + op.by)
    piece = _replace(found.placed.piece, source=moved)
    check_inside(sequence, piece, sources, "/by")
    return sequence.changed(found, piece)


def slide(sequence: Sequence, op: ClipSlide, sources: Sources) -> Sequence:
    """Moves a clip between its neighbours: the one grows by what the other loses.

    before  v1 [aaaa][bb][cccc]     {clip: "b", by: 1}
    after   v1 [aaaaa][bb][ccc]
    """
    found = sequence.open_clip(op.clip)
    lane, placed = found.track.lane, found.placed
    left = lane.place(placed.rank - 1) if placed.rank else None
    right = lane.place(placed.rank + 1)
    if left is None or left.end != placed.at:
        raise EditError("/clip", f"no clip touches {op.clip} on its left; clip.move needs none")
    if right is None or right.at != placed.end:
        raise EditError("/clip", f"no clip touches {op.clip} on its right; clip.move needs none")
    parts = _rolled(sequence, left, right, op.by, sources)
    middle = (placed.at + op.by, placed.piece)
    return sequence.spliced(found.lane, left.rank, right.rank + 1, (parts[0], middle, parts[1]))


def roll(sequence: Sequence, op: ClipRoll, sources: Sources) -> Sequence:
    """Moves the cut between two clips that touch: one grows by what the other loses.

    before  v1 [aaaa][bbbb]         {left: "a", right: "b", by: -1}
    after   v1 [aaa][bbbbb]
    """
    found = adjacent(sequence, op.left, op.right)
    right = found.track.lane.place(found.placed.rank + 1)
    assert right is not None, "the right clip is there"
    parts = _rolled(sequence, found.placed, right, op.by, sources)
    return sequence.spliced(found.lane, found.placed.rank, right.rank + 1, parts)


def adjacent(sequence: Sequence, left: str, right: str) -> Found:
    """The left one of two clips that touch on one track. Raises EditError."""
    found = sequence.open_clip(left, "/left")
    sequence.clip(right, "/right")
    following = found.track.lane.place(found.placed.rank + 1)
    if following is None or following.piece.id != right or following.at != found.placed.end:
        touching = following.piece.id if following is not None and following.at == found.placed.end else "no clip"
        raise EditError("/right", f"clip {right} does not follow {left} without a gap; {touching} does")
    return found


def _rolled(
    sequence: Sequence, left: Placed, right: Placed, by: int, sources: Sources
) -> tuple[tuple[int, Piece], tuple[int, Piece]]:
    """The left clip with its end, and the right one with its start, moved by so many frames. Raises EditError."""
    least, most = 1 - left.piece.frames, right.piece.frames - 1
    if not least <= by <= most:
        raise EditError(
            "/by", f"by is from {least} to {most}, so that clips {left.piece.id} and {right.piece.id} keep a frame each"
        )
    first = trimmed(left.piece, 0, left.piece.frames + by)
    second = trimmed(right.piece, by, right.piece.frames)
    check_inside(sequence, first, sources, "/by")
    check_inside(sequence, second, sources, "/by")
    return (left.at, first), (right.at + by, second)


def replace(sequence: Sequence, op: ClipReplace, sources: Sources) -> Sequence:
    """Shows another source from `in` on; place, length and properties stay.

    before  v1 [aa][bbb][cc]    {clip: "b", media: "n", in: 7}
    after   v1 [aa][bbb][cc]    b shows frames 7, 8, 9 of n
    """
    found = sequence.open_clip(op.clip)
    check_media(op.media, sources)
    piece = found.placed.piece
    frames = piece.source.end - piece.source.start if isinstance(piece.source, MediaSource) else piece.frames
    stream = streams_of(op.stream, op.media, sources)
    source = MediaSource(media=op.media, start=op.start, end=op.start + frames, stream=stream)
    check_track(source, found.track.kind, found.track.id, sources, "/media")
    piece = _replace(piece, source=source)
    check_inside(sequence, piece, sources, "/in")
    return sequence.changed(found, piece)


def _touched_by_slide(op: ClipSlide, base: Sequence) -> Iterable[Touch]:
    yield from touching.clip(op.clip, "at", "frames")
    if (found := base.find(op.clip)) is not None:
        placed = found.placed
        yield from touching.place(found.track.id, placed.at, placed.piece.frames, "overwrite")


def _touched_by_roll(op: ClipRoll, _base: Sequence) -> Iterable[Touch]:
    yield from touching.clip(op.left, "out", "frames")
    yield from touching.clip(op.right, "in", "frames")


OPS: Final = (
    Definition(ClipSlip, with_media(slip), lambda op, _: touching.clip(op.clip, "in", "out"), "/by"),
    Definition(ClipSlide, with_media(slide), _touched_by_slide, "/by"),
    Definition(ClipRoll, with_media(roll), _touched_by_roll, "/by"),
    Definition(
        ClipReplace, with_media(replace), lambda op, _: touching.clip(op.clip, "source", "frames", "speed"), "/in"
    ),
)
