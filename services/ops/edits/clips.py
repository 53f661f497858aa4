"""Ops that put clips on tracks, take them away, move, trim and split them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import UNSET

from cutlog.contract.ops import ClipAdd, ClipMove, ClipRemove, ClipSplit, ClipTrim
from cutlog.contract.timeline import MediaSource
from services.ops.edits import touching
from services.ops.edits.definition import Definition, alone, with_media
from services.ops.edits.errors import EditError, some_frames
from services.ops.edits.excerpt import shown_at, source_trim, trimmed
from services.ops.edits.footage import check_inside, check_track, source_of
from services.ops.edits.lane import Piece
from services.ops.edits.links import group
from services.ops.edits.looks import looks
from services.ops.edits.placing import halves, put
from services.ops.edits.ripple import close, follow
from services.ops.edits.sequence import Found, Sequence
from services.ops.edits.sources import Sources
from services.ops.edits.texts import check_text
from services.ops.edits.touching import Touch


def add(sequence: Sequence, op: ClipAdd, sources: Sources) -> Sequence:
    """Adds a clip of a media, a text or a colour; `put` draws the modes.

    before  v1 [aa]             {clip: "b", at: 4, media: "m", in: 10, out: 13}
    after   v1 [aa]··[b]        b shows frames 10, 11, 12 of m
    """
    index, track = sequence.open_track(op.track)
    source, frames = source_of(sequence, op, sources)
    check_track(source, track.kind, track.id, sources, "/track")
    if op.text is not UNSET:
        check_text(op.text, sources, "/text")
    piece = Piece(op.clip, frames, source)
    if op.properties is not UNSET:
        piece = looks(piece, op.properties, "/properties")
    return put(sequence.room().take(op.clip, "/clip"), index, piece, op.at, op.mode, op.split)


def remove(sequence: Sequence, op: ClipRemove) -> Sequence:
    """Removes a clip and those linked to it; their ids stay taken.

    before  v1 [aa][bb]·[cc]    {clip: "b"}           {clip: "b", ripple: true}
    after                       v1 [aa]·····[cc]      v1 [aa]·[cc]
    """
    members = group(sequence, sequence.open_clip(op.clip))
    for member in members:
        index, _, placed = sequence.clip(member.placed.piece.id)
        shift = -placed.piece.frames if op.ripple is True else 0
        sequence = sequence.spliced(index, placed.rank, placed.rank + 1, (), shift, "/ripple")
    if op.ripple == "all":
        sequence = close(sequence, [(member.placed.at, member.placed.end) for member in members])
    return sequence


def move(sequence: Sequence, op: ClipMove, sources: Sources) -> Sequence:
    """Lifts a clip, which leaves a gap, and puts it down at `at` of its own or another track; linked clips as far.

    before  v1 [aa][bb]         {clip: "a", at: 5}
    after   v1 ··[bb][aa]
    """
    found = sequence.open_clip(op.clip)
    target, onto = (found.lane, found.track) if op.track is UNSET else sequence.open_track(op.track)
    if onto.kind != found.track.kind:
        check_track(found.placed.piece.source, onto.kind, onto.id, sources, "/track")
    by = op.at - found.placed.at
    members = group(sequence, found)
    for member in members:
        if member.placed.at + by < 0:
            clip, least = member.placed.piece.id, found.placed.at - members[0].placed.at
            raise EditError("/at", f"clip {clip}, linked with {op.clip}, would start too early; at is at least {least}")
        sequence = _lifted(sequence, member)
    for member in members:
        piece, at = member.placed.piece, member.placed.at + by
        if piece.id == op.clip:
            sequence = put(sequence, target, piece, at, op.mode, op.split)
        else:
            sequence = put(sequence, member.lane, piece, at, op.mode, UNSET)
    return sequence


def _lifted(sequence: Sequence, found: Found) -> Sequence:
    index, _, placed = sequence.clip(found.placed.piece.id)
    return sequence.spliced(index, placed.rank, placed.rank + 1, ())


def trim(sequence: Sequence, op: ClipTrim, sources: Sources) -> Sequence:
    """Changes where a clip, and those linked to it, begin and end in their sources.

    before  v1 [abcd][ee]       {in: +1}              {out: -1}             {in: +1, ripple: true}
    after                       v1 ·[bcd][ee]         v1 [abc]·[ee]         v1 [bcd][ee]
    """
    if op.start is UNSET and op.end is UNSET:
        raise EditError("", "give at least one of in, out")
    found = sequence.open_clip(op.clip)
    piece = found.placed.piece
    first = source_trim(piece, op.start, op.end)
    head, tail = first.head, first.tail(piece)
    pointer = "/out" if op.end is not UNSET else "/in"
    members = group(sequence, found)
    shift = tail - head if op.ripple else 0
    for member in members:
        index, _, placed = sequence.clip(member.placed.piece.id)
        if placed.piece.frames + tail <= head:
            raise EditError(
                pointer,
                f"clip {placed.piece.id}, linked with {op.clip}, has {placed.piece.frames} frames, all of which would "
                "be removed; trim less, or unlink it",
            )
        other = placed.piece.id != op.clip
        part = trimmed(placed.piece, head, placed.piece.frames + tail) if other else first.piece
        check_inside(sequence, part, sources, pointer)
        at = placed.at if op.ripple else placed.at + head
        if at < 0:
            raise EditError(
                "/out" if piece.reversed else "/in",
                f"clip {placed.piece.id} would start {some_frames(-at)} before the timeline; "
                f"{_limit(found)}or use ripple",
            )
        sequence = sequence.spliced(index, placed.rank, placed.rank + 1, ((at, part),), shift, pointer)
    if op.ripple == "all":
        sequence = follow(sequence, found.placed.end, shift, but={member.lane for member in members})
    return sequence


def _limit(found: Found) -> str:
    """How far the head of a clip can go back, in words."""
    piece, at = found.placed.piece, found.placed.at
    if not isinstance(piece.source, MediaSource):
        return ""
    edge = shown_at(piece, -at)
    return f"out is at most {edge + 1}, " if piece.reversed else f"in is at least {max(0, edge)}, "


def split(sequence: Sequence, op: ClipSplit) -> Sequence:
    """Cuts a clip in two; what is shown does not change.

    before  v1 [aaaa]           {clip: "a", at: 1, new: "b"}
    after   v1 [a][bbb]
    """
    index, _, placed = sequence.open_clip(op.clip)
    if not placed.at < op.at < placed.end:
        inside = f"{placed.at + 1} to {placed.end - 1}" if placed.piece.frames > 1 else "no frame, as it has only one"
        raise EditError("/at", f"clip {op.clip} can be split at {inside}")
    left, right = halves(placed, op.at, op.new)
    sequence = sequence.room().take(op.new, "/new")
    return sequence.spliced(index, placed.rank, placed.rank + 1, ((placed.at, left), (op.at, right)))


def _touched_by_add(op: ClipAdd, _base: Sequence) -> Iterable[Touch]:
    frames = op.frames if op.frames is not UNSET else 0
    if op.start is not UNSET and op.end is not UNSET:
        frames = op.end - op.start
    return touching.place(op.track, op.at, frames, op.mode)


def _touched_by_move(op: ClipMove, base: Sequence) -> Iterable[Touch]:
    yield from touching.clips(touching.linked(base, op.clip), "at")
    yield from touching.clip(op.clip, "track")
    if (found := base.find(op.clip)) is not None:
        track = found.track.id if op.track is UNSET else op.track
        yield from touching.place(track, op.at, found.placed.piece.frames, op.mode)


def _touched_by_trim(op: ClipTrim, base: Sequence) -> Iterable[Touch]:
    ends = [end for end, given in (("in", op.start), ("out", op.end)) if given is not UNSET]
    return touching.clips(touching.linked(base, op.clip), *ends, "speed", "reversed")


OPS: Final = (
    Definition(ClipAdd, with_media(add), _touched_by_add, "/at"),
    Definition(ClipRemove, alone(remove), lambda op, base: touching.clips(touching.linked(base, op.clip), "whole")),
    Definition(ClipMove, with_media(move), _touched_by_move, "/at"),
    Definition(ClipTrim, with_media(trim), _touched_by_trim, lambda op: "/in" if op.end is UNSET else "/out"),
    Definition(ClipSplit, alone(split), lambda op, _: touching.clip(op.clip, "at", *touching.FRAMES), "/at"),
)
