"""Putting a piece on a track: the three modes that adding and moving share."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.ids import is_id
from cutlog.contract.ops import Mode
from services.ops.edits.errors import EditError, some_frames
from services.ops.edits.excerpt import cut
from services.ops.edits.lane import Piece, Placed
from services.ops.edits.sequence import Sequence


def put(sequence: Sequence, index: int, piece: Piece, at: int, mode: Mode, split: str | UnsetType) -> Sequence:
    """The sequence with `piece` at frame `at` of the track at `index`.

    place      before  ··[aa]······[bb]     at a free place, or not at all
               after   ··[aa]·[new][bb]

    insert     before  ··[aaaa][bb]         later clips move right; a clip under `at` is split
               after   ··[aa][new][aa][bb]

    overwrite  before  ··[aaaa][bb]         what lies under is trimmed away
               after   ··[aa][new]b]
    """
    match mode:
        case "place":
            return _place(sequence, index, piece, at)
        case "insert":
            return _insert(sequence, index, piece, at, split)
        case "overwrite":
            return _overwrite(sequence, index, piece, at, split)


def halves(placed: Placed, at: int, right_id: str) -> tuple[Piece, Piece]:
    """The parts of a clip before and from timeline frame `at`, which lies strictly inside it."""
    return head(placed, at), msgspec.structs.replace(tail(placed, at), id=right_id)


def head(placed: Placed, at: int) -> Piece:
    """The part of a clip before timeline frame `at`."""
    return cut(placed.piece, 0, at - placed.at)


def tail(placed: Placed, at: int) -> Piece:
    """The part of a clip from timeline frame `at` on."""
    return cut(placed.piece, at - placed.at, placed.piece.frames)


def _place(sequence: Sequence, index: int, piece: Piece, at: int) -> Sequence:
    track = sequence.tracks[index]
    here = track.lane.after(at)
    if here is not None and here.at < at + piece.frames:
        raise EditError(
            "/at",
            f"clip {here.piece.id} stands on frames {here.at} to {here.end} of track {track.id}; "
            f"find room for {some_frames(piece.frames)}, or use mode insert or overwrite",
        )
    rank = here.rank if here is not None else len(track.lane)
    return sequence.spliced(index, rank, rank, ((at, piece),))


def _insert(sequence: Sequence, index: int, piece: Piece, at: int, split: str | UnsetType) -> Sequence:
    lane = sequence.tracks[index].lane
    here = lane.after(at)
    if here is not None and here.at < at:
        right_id = _right_id(here.piece.id, piece.id, split)
        left, right = halves(here, at, right_id)
        sequence = sequence.room().take(right_id, "/split")
        parts = ((here.at, left), (at, piece), (at + piece.frames, right))
        return sequence.spliced(index, here.rank, here.rank + 1, parts, piece.frames)
    rank = here.rank if here is not None else len(lane)
    return sequence.spliced(index, rank, rank, ((at, piece),), piece.frames)


def _overwrite(sequence: Sequence, index: int, piece: Piece, at: int, split: str | UnsetType) -> Sequence:
    lane = sequence.tracks[index].lane
    end = at + piece.frames
    first = lane.after(at)
    start = stop = first.rank if first is not None else len(lane)
    parts: list[tuple[int, Piece]] = [(at, piece)]
    covered = first
    while covered is not None and covered.at < end:
        stop = covered.rank + 1
        keeps_head, keeps_tail = covered.at < at, covered.end > end
        if keeps_head:
            parts.insert(0, (covered.at, head(covered, at)))
        if keeps_tail:
            rest = tail(covered, end)
            if keeps_head:
                right_id = _right_id(covered.piece.id, piece.id, split)
                sequence = sequence.room().take(right_id, "/split")
                rest = msgspec.structs.replace(rest, id=right_id)
            parts.append((end, rest))
        covered = lane.place(stop)
    return sequence.spliced(index, start, stop, tuple(parts))


def _right_id(cut: str, by: str, split: str | UnsetType) -> str:
    if split is not UNSET:
        return split
    name = f"{cut}-{by}"
    if not is_id(name):
        raise EditError("/split", f"clip {cut} is cut in two; name its right part with split, as {name} is too long")
    return name
