"""The op that puts down a clip with all that edits made of it."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import Final

import msgspec
from msgspec import UNSET

from cutlog.contract.ops import ClipPaste
from cutlog.contract.timeline import ColorSource, Effect, FreezeSource, MediaSource, Source, Speed, TextSource
from services.ops.edits import touching
from services.ops.edits.definition import Definition, with_media
from services.ops.edits.effects import made
from services.ops.edits.errors import EditError
from services.ops.edits.excerpt import lasting
from services.ops.edits.footage import check_inside, check_media, check_track, length, streams_of
from services.ops.edits.given import given
from services.ops.edits.lane import Piece
from services.ops.edits.looks import looks
from services.ops.edits.placing import put
from services.ops.edits.sequence import Sequence, TrackState
from services.ops.edits.sources import Sources
from services.ops.edits.texts import check_text
from services.ops.edits.timing import FASTEST

_replace = msgspec.structs.replace


def paste(sequence: Sequence, op: ClipPaste, sources: Sources) -> Sequence:
    """Puts down a clip as a timeline shows it, at a free place.

    before  v1 [aa]             {clip: "b", at: 4, frames: 2, media: "m", in: 0, out: 4, speed: {num: 2, den: 1}}
    after   v1 [aa]··[bb]       b shows frames 0 and 2 of m
    """
    index, track = sequence.open_track(op.track)
    source = _source(sequence, op, sources)
    check_track(source, track.kind, track.id, sources, "/track")
    piece = Piece(op.clip, op.frames, source)
    if op.properties is not UNSET:
        piece = looks(piece, op.properties, "/properties")
    piece = _replace(_played(piece, op, track), head_cut=op.head_cut, tail_cut=op.tail_cut)
    check_inside(sequence, piece, sources, "/out")
    piece = _replace(piece, effects=_effects(op, piece, track, sources))
    sequence = sequence.room().take(op.clip, "/clip")
    # The parts of a split clip have effects of the same names, and so have their copies.
    fresh = {effect.id: None for effect in piece.effects if effect.id not in sequence.taken}
    return put(_replace(sequence, taken=sequence.taken.update(fresh)), index, piece, op.at, "place", UNSET)


def _source(sequence: Sequence, op: ClipPaste, sources: Sources) -> Source:
    named = given(op, "media", "text", "color")
    if len(named) != 1:
        raise EditError("", "give one source: media with in and out, or with freeze; or text, or color")
    if op.media is not UNSET:
        check_media(op.media, sources)
        stream = streams_of(op.stream, op.media, sources)
        if op.freeze is not UNSET:
            _without(op, "media to freeze has one frame, freeze", "in", "out")
            frames = length(sequence, op.media, sources)
            if frames is not None and op.freeze >= frames:
                raise EditError("/freeze", f"media {op.media} has {frames} frames; freeze is at most {frames - 1}")
            return FreezeSource(media=op.media, frame=op.freeze, stream=stream)
        if op.start is UNSET or op.end is UNSET:
            raise EditError("", "a media clip needs in and out, or freeze")
        if op.start >= op.end:
            raise EditError("/out", f"in is {op.start} and out is {op.end}; out must be greater than in")
        return MediaSource(media=op.media, start=op.start, end=op.end, stream=stream)
    _without(op, "text and color have no source frames", "in", "out", "freeze", "stream")
    if op.text is not UNSET:
        check_text(op.text, sources, "/text")
        return TextSource(text=op.text)
    return ColorSource(color=named["color"])


def _without(op: ClipPaste, why: str, *names: str) -> None:
    fields = {"in": op.start, "out": op.end, "freeze": op.freeze, "stream": op.stream}
    for name in names:
        if fields[name] is not UNSET:
            raise EditError(f"/{name}", f"{why}; leave {name} out")


def _played(piece: Piece, op: ClipPaste, track: TrackState) -> Piece:
    """The piece with its speed and direction, if its frames agree with those of the source."""
    source = piece.source
    if not isinstance(source, MediaSource):
        for name, value in (("speed", op.speed is not UNSET), ("reversed", op.reversed), ("silent", op.silent)):
            if value:
                raise EditError(f"/{name}", f"only clips of media frames can have {name}; leave it out")
        return piece
    if op.silent and track.kind == "audio":
        raise EditError("/silent", f"track {track.id} plays sound only, and the clip would have none")
    speed = None
    if op.speed is not UNSET:
        num, den, phase = op.speed.num, op.speed.den, op.speed.phase
        if not Fraction(1, FASTEST) <= Fraction(num, den) <= FASTEST:
            raise EditError("/speed/num", f"num / den is from 1/{FASTEST} to {FASTEST}; {num}/{den} is not")
        if phase >= den or gcd(num, den) != 1:
            raise EditError("/speed/den", "num and den must have no common factor, and phase must be below den")
        speed = Speed(num=num, den=den, pitch=op.speed.pitch, phase=phase) if num != den else None
    most = lasting(source.end - source.start, speed)
    if piece.frames > most or (speed is None and piece.frames != most):
        raise EditError("/frames", f"source frames {source.start} to {source.end} last {most} frames; frames is {most}")
    return _replace(piece, speed=speed, reversed=op.reversed, silent=op.silent)


def _effects(op: ClipPaste, piece: Piece, track: TrackState, sources: Sources) -> tuple[Effect, ...]:
    effects: list[Effect] = []
    for index, effect in enumerate(op.effects):
        if any(effect.id == other.id for other in effects):
            raise EditError(f"/effects/{index}/id", f"the clip has two effects {effect.id}; name each one differently")
        try:
            effects.append(made(effect.id, effect.kind, effect.params, piece, track, sources))
        except EditError as error:
            raise error.within(f"/effects/{index}") from None
    return tuple(effects)


OPS: Final = (Definition(ClipPaste, with_media(paste), touching.nothing, "/at"),)
