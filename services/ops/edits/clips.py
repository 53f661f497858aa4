"""Ops on clips."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from cutlog.contract.ops import MAX_CLIPS, ClipAdd, ClipMove, ClipRemove, ClipSet, ClipSplit, ClipTrim
from cutlog.contract.timeline import ColorSource, FreezeSource, MediaSource, Source, TextSource, TrackKind
from services.ops.edits.errors import EditError
from services.ops.edits.given import given, some
from services.ops.edits.lane import Piece
from services.ops.edits.placing import excerpt, halves, put
from services.ops.edits.ripple import follow
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Sources


def add(sequence: Sequence, op: ClipAdd, sources: Sources) -> Sequence:
    """Adds a clip of a media, a text or a colour; `put` draws the modes.

    before  v1 [aa]             {clip: "b", at: 4, media: "m", in: 10, out: 13}
    after   v1 [aa]··[b]        b shows frames 10, 11, 12 of m
    """
    index, track = sequence.open_track(op.track)
    if sequence.clip_count >= MAX_CLIPS:
        raise EditError("", f"a project has at most {MAX_CLIPS} clips")
    source, frames = _source(sequence, op, sources)
    _fits(source, track.kind, track.id, sources, "/track")
    sequence = sequence.take(op.clip, "/clip").using(source, 1)
    piece = Piece(op.clip, frames, source)
    if op.properties is not UNSET:
        piece = msgspec.structs.replace(piece, **given(op.properties, "enabled", "fit", "gain_db"))
    return put(sequence, index, piece, op.at, op.mode, op.split)


def remove(sequence: Sequence, op: ClipRemove) -> Sequence:
    """Removes a clip; its id stays taken.

    before  v1 [aa][bb]·[cc]    {clip: "b"}           {clip: "b", ripple: true}
    after                       v1 [aa]·····[cc]      v1 [aa]·[cc]
    """
    index, _, placed = sequence.open_clip(op.clip)
    shift = -placed.piece.frames if op.ripple else 0
    sequence = sequence.using(placed.piece.source, -1)
    sequence = sequence.spliced(index, placed.rank, placed.rank + 1, (), shift, "/ripple")
    return follow(sequence, index, placed.end, shift, op.ripple)


def move(sequence: Sequence, op: ClipMove, sources: Sources) -> Sequence:
    """Lifts a clip, which leaves a gap, and puts it down at `at` of its own or another track.

    before  v1 [aa][bb]         {clip: "a", at: 5}
    after   v1 ··[bb][aa]
    """
    index, track, placed = sequence.open_clip(op.clip)
    target, onto = (index, track) if op.track is UNSET else sequence.open_track(op.track)
    if onto.kind != track.kind:
        _fits(placed.piece.source, onto.kind, onto.id, sources, "/track")
    lifted = sequence.spliced(index, placed.rank, placed.rank + 1, ())
    return put(lifted, target, placed.piece, op.at, op.mode, op.split)


def trim(sequence: Sequence, op: ClipTrim, sources: Sources) -> Sequence:
    """Changes where a clip begins and ends in its source.

    before  v1 [abcd][ee]       {in: +1}              {out: -1}             {in: +1, ripple: true}
    after                       v1 ·[bcd][ee]         v1 [abc]·[ee]         v1 [bcd][ee]
    """
    some(op, "start", "end")
    index, _, placed = sequence.open_clip(op.clip)
    piece = placed.piece
    origin = piece.source.start if isinstance(piece.source, MediaSource) else 0
    start = origin if op.start is UNSET else op.start
    end = origin + piece.frames if op.end is UNSET else op.end
    pointer = "/out" if op.end is not UNSET else "/in"
    if start >= end:
        raise EditError(pointer, f"in is {start} and out is {end}; out must be greater than in")
    if isinstance(piece.source, MediaSource):
        _inside(sequence, piece.source.media, end, sources, "/out")
    trimmed = excerpt(piece, start - origin, end - origin)
    shift = trimmed.frames - piece.frames if op.ripple else 0
    at = placed.at if op.ripple else placed.at + start - origin
    if at < 0:
        least = origin - placed.at
        raise EditError("/in", f"the clip would start at frame {at}; in is at least {least}, or use ripple")
    sequence = sequence.spliced(index, placed.rank, placed.rank + 1, ((at, trimmed),), shift, pointer)
    return follow(sequence, index, placed.end, shift, op.ripple)


def split(sequence: Sequence, op: ClipSplit) -> Sequence:
    """Cuts a clip in two; what is shown does not change.

    before  v1 [aaaa]           {clip: "a", at: 1, new: "b"}
    after   v1 [a][bbb]
    """
    index, _, placed = sequence.open_clip(op.clip)
    if not placed.at < op.at < placed.end:
        inside = f"{placed.at + 1} to {placed.end - 1}" if placed.piece.frames > 1 else "no frame, as it has only one"
        raise EditError("/at", f"clip {op.clip} can be split at {inside}")
    if sequence.clip_count >= MAX_CLIPS:
        raise EditError("", f"a project has at most {MAX_CLIPS} clips")
    left, right = halves(placed, op.at, op.new)
    sequence = sequence.take(op.new, "/new").using(right.source, 1)
    return sequence.spliced(index, placed.rank, placed.rank + 1, ((placed.at, left), (op.at, right)))


def change(sequence: Sequence, op: ClipSet) -> Sequence:
    """Changes properties of a clip.

    before  v1 [aa][bb]         {clip: "a", gainDb: -6}
    after   v1 [aa][bb]         a is softer; no clip moves
    """
    changes = some(op, "enabled", "fit", "gain_db")
    index, _, placed = sequence.open_clip(op.clip)
    piece = msgspec.structs.replace(placed.piece, **changes)
    return sequence.spliced(index, placed.rank, placed.rank + 1, ((placed.at, piece),))


def _source(sequence: Sequence, op: ClipAdd, sources: Sources) -> tuple[Source, int]:
    """The one source that the op names, and the clip's length."""
    named = given(op, "media", "text", "color")
    if len(named) != 1:
        raise EditError("", "give one source: media with in and out, or text with frames, or color with frames")
    if op.media is not UNSET:
        if op.frames is not UNSET:
            raise EditError("/frames", "the length of a media clip is out - in; leave frames out")
        if op.start is UNSET or op.end is UNSET:
            missing = "in" if op.start is UNSET else "out"
            raise EditError("", f"a media clip needs in and out; {missing} is missing")
        if op.start >= op.end:
            raise EditError("/out", f"in is {op.start} and out is {op.end}; out must be greater than in")
        material = sources.get(op.media)
        if material is None and not sources.trusted:
            raise EditError("/media", f"there is no media {op.media}; upload it first")
        if material is not None and material.failed:
            raise EditError("/media", f"media {op.media} could not be processed; upload it in another format")
        _inside(sequence, op.media, op.end, sources, "/out")
        return MediaSource(media=op.media, start=op.start, end=op.end), op.end - op.start
    for name, value in (("in", op.start), ("out", op.end)):
        if value is not UNSET:
            raise EditError(f"/{name}", "text and color have no source frames; give frames instead")
    if op.frames is UNSET:
        raise EditError("", "a text or color clip needs frames, its length")
    if op.text is not UNSET:
        return TextSource(text=op.text), op.frames
    return ColorSource(color=named["color"]), op.frames


def _inside(sequence: Sequence, media: str, end: int, sources: Sources, pointer: str) -> None:
    """Refuses frames beyond the end of a media."""
    material = sources.get(media)
    if material is None:
        return
    frames = material.frames(sequence.canvas.fps)
    if frames is not None and end > frames:
        fps = sequence.canvas.fps
        raise EditError(pointer, f"media {media} has {frames} frames at {fps.num}/{fps.den}; out is at most {frames}")


def _fits(source: Source, kind: TrackKind, track: str, sources: Sources, pointer: str) -> None:
    """Refuses a source that a track of this kind can neither show nor sound."""
    match source:
        case ColorSource() | TextSource():
            if kind == "audio":
                raise EditError(pointer, f"track {track} plays sound only; put text and colour on a video track")
        case MediaSource(media=media) | FreezeSource(media=media):
            material = sources.get(media)
            if material is None:
                return
            if kind == "audio" and not material.has_sound:
                raise EditError(pointer, f"media {media} has no sound; track {track} plays sound only")
            if kind == "video" and not material.has_picture:
                raise EditError(pointer, f"media {media} has no picture; put it on an audio track")
