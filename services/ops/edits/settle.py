"""The books of a sequence, brought up to date after an op: its size, uses of media, links, transitions.

Ops only move clips about. Which clips went and which came is read off the chunks that the two states do not share, so
it costs what the op changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import chain

import msgspec

from services.ops.edits.joints import check
from services.ops.edits.lane import Chunk, Lane, Piece
from services.ops.edits.links import without
from services.ops.edits.sequence import Sequence, TrackState, caption_fonts, counted, media_of
from services.ops.edits.size import captions, values
from services.ops.edits.sources import Sources

_replace = msgspec.structs.replace


def settle(before: Sequence, after: Sequence, sources: Sources, pointer: str) -> Sequence:
    """`after`, with books that agree with its clips. Raises EditError, with `pointer`, when a transition lost frames.

    A transition goes when its two clips no longer touch. While they do, each must keep the frames that it needs.

        before  v1 [aaa][bbb]       {op: "clip.move", clip: "b", at: 9}
                     ^t^
        after   v1 [aaa]······[bbb] the transition t is gone
    """
    if after.tracks is before.tracks:
        return after
    left, came = _lanes(before.tracks, after.tracks)
    before_chunks, after_chunks = _chunks(left), _chunks(came)
    old, new = _only(before_chunks, after_chunks)
    said = captions(after.tracks) - captions(before.tracks)
    made = sum(map(values, new))
    after = _replace(
        after,
        size=before.size + made + said - sum(map(values, old)),
        written=before.written + made + max(0, said),
    )
    used, unused = [*chain.from_iterable(map(media_of, new))], [*chain.from_iterable(map(media_of, old))]
    used += caption_fonts(after.tracks)
    unused += caption_fonts(before.tracks)
    if used != unused:
        uses = Counter(used)
        uses.subtract(unused)
        after = _replace(after, uses=counted(after.uses, uses))
    if len(after.links):
        gone = {piece.id for piece in old} - {piece.id for piece in new}
        after = _replace(after, links=without(after.links, gone))
    if len(before.transitions) or any(piece.tail for piece in new):
        after = _transitions(after, after_chunks.keys() - before_chunks.keys(), came, old, new, sources, pointer)
    return after


def _lanes(before: Iterable[TrackState], after: Iterable[TrackState]) -> tuple[list[Lane], list[Lane]]:
    """Lanes that are only in the one, and only in the other."""
    old, new = {id(track.lane) for track in before}, {id(track.lane) for track in after}
    return (
        [track.lane for track in before if id(track.lane) not in new],
        [track.lane for track in after if id(track.lane) not in old],
    )


def _chunks(lanes: Iterable[Lane]) -> dict[int, Chunk]:
    return {id(chunk): chunk for lane in lanes for chunk in lane.chunks}


def _only(before: dict[int, Chunk], after: dict[int, Chunk]) -> tuple[list[Piece], list[Piece]]:
    """Pieces that are only in the one, and only in the other."""
    left = [piece for chunk in _others(before, after) for piece in chunk.pieces]
    came = [piece for chunk in _others(after, before) for piece in chunk.pieces]
    if len(left) == len(came):  # as a rule most are where they were
        changed = [index for index, piece in enumerate(left) if piece is not came[index]]
        left, came = [left[index] for index in changed], [came[index] for index in changed]
    old, new = {id(piece) for piece in left}, {id(piece) for piece in came}
    return [piece for piece in left if id(piece) not in new], [piece for piece in came if id(piece) not in old]


def _others(some: dict[int, Chunk], others: dict[int, Chunk]) -> list[Chunk]:
    return [some[key] for key in some.keys() - others.keys()]


def _transitions(
    sequence: Sequence,
    chunks: Collection[int],
    lanes: list[Lane],
    old: list[Piece],
    new: list[Piece],
    sources: Sources,
    pointer: str,
) -> Sequence:
    """Drops transitions whose clips were parted and checks those whose clips changed."""
    fresh = {id(piece) for piece in new}
    alive: dict[str, str] = {}
    gone = {piece.tail.id for piece in (*old, *new) if piece.tail is not None}
    changed = {id(lane) for lane in lanes}
    for index, track in enumerate(sequence.tracks):
        if id(track.lane) not in changed:
            continue
        for cut in track.lane.joints(chunks):
            assert cut.left.tail is not None
            if not cut.holds:
                gone.add(cut.left.tail.id)
                lane = sequence.tracks[index].lane
                placed = lane.place(cut.rank)
                assert placed is not None, "the cut is on the lane"
                piece = _replace(placed.piece, tail=None)
                sequence = sequence.with_lane(index, lane.splice(cut.rank, cut.rank + 1, ((placed.at, piece),)))
                continue
            alive[cut.left.tail.id] = cut.left.id
            if not fresh.isdisjoint((id(cut.previous), id(cut.left), id(cut.right))):
                check(cut, sequence.canvas.fps, sources, pointer)
    transitions = sequence.transitions
    for name in gone - alive.keys():
        if name in transitions:
            transitions = transitions.drop(name)
    for name, left in alive.items():
        if transitions.get(name) != left:
            transitions = transitions.set(name, left)
    return _replace(sequence, transitions=transitions)
