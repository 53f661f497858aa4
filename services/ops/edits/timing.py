"""Ops that change how a clip's frames follow each other, and that take its sound apart from its picture."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import Final

import msgspec

from cutlog.contract.ops import ClipDetachAudio, ClipFreeze, ClipReverse, ClipSpeed
from cutlog.contract.timeline import FreezeSource, Speed
from services.ops.edits import touching
from services.ops.edits.definition import Definition, alone, with_media
from services.ops.edits.effects import medium_of
from services.ops.edits.errors import EditError
from services.ops.edits.excerpt import cut, held, run, shown_at
from services.ops.edits.footage import check_track, footage
from services.ops.edits.lane import OF_PICTURES, OF_SOUNDS, plain
from services.ops.edits.links import group, together, without
from services.ops.edits.placing import put
from services.ops.edits.ripple import follow
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Sources

_replace = msgspec.structs.replace

FASTEST: Final = 100


def speed(sequence: Sequence, op: ClipSpeed) -> Sequence:
    """Plays num / den source frames per frame, so the clip becomes shorter or longer.

    before  v1 [012345][bb]     {clip: "a", num: 2, den: 1}   {clip: "a", num: 2, den: 1, ripple: true}
    after                       v1 [024]···[bb]               v1 [024][bb]
    """
    index, _, placed = sequence.open_clip(op.clip)
    footage(placed.piece, "play faster or slower")
    if not Fraction(1, FASTEST) <= Fraction(op.num, op.den) <= FASTEST:
        raise EditError("/num", f"num / den is from 1/{FASTEST} to {FASTEST}; {op.num}/{op.den} is not")
    common = gcd(op.num, op.den)
    piece = run(placed.piece, Speed(num=op.num // common, den=op.den // common, pitch=op.pitch))
    shift = piece.frames - placed.piece.frames if op.ripple else 0
    sequence = sequence.spliced(index, placed.rank, placed.rank + 1, ((placed.at, piece),), shift, "/num")
    return follow(sequence, placed.end, shift, but={index}) if op.ripple == "all" else sequence


def reverse(sequence: Sequence, op: ClipReverse) -> Sequence:
    """Plays a clip backwards, or forwards again.

    before  v1 [0123][bb]       {clip: "a", reversed: true}
    after   v1 [3210][bb]
    """
    found = sequence.open_clip(op.clip)
    footage(found.placed.piece, "play backwards")
    return sequence.changed(found, _replace(found.placed.piece, reversed=op.reversed))


def freeze(sequence: Sequence, op: ClipFreeze, sources: Sources) -> Sequence:
    """Holds the frame at `at`, between the parts of the clip.

    before  v1 [0123][bb]       {clip: "a", at: 2, frames: 3, new: "f", right: "r"}
    after   v1 [01][222][23][bb]
                a    f    r
    """
    index, track, placed = sequence.open_clip(op.clip)
    source = footage(placed.piece, "hold")
    if not placed.at < op.at < placed.end:
        inside = f"{placed.at + 1} to {placed.end - 1}" if placed.piece.frames > 1 else "no frame, as it has only one"
        raise EditError("/at", f"clip {op.clip} can be split for a freeze at {inside}")
    frame = op.at - placed.at
    still = FreezeSource(media=source.media, frame=shown_at(placed.piece, frame), stream=source.stream)
    check_track(still, track.kind, track.id, sources, "/clip")
    stands = held(placed.piece, frame)
    middle = _replace(
        stands,
        id=op.new,
        frames=op.frames,
        source=still,
        speed=None,
        reversed=False,
        silent=False,
        effects=tuple(effect for effect in stands.effects if medium_of(effect) == "picture"),
    )
    left = cut(placed.piece, 0, frame)
    right = _replace(cut(placed.piece, frame, placed.piece.frames), id=op.right)
    sequence = sequence.room(2).take(op.new, "/new").take(op.right, "/right")
    parts = ((placed.at, left), (op.at, middle), (op.at + op.frames, right))
    return sequence.spliced(index, placed.rank, placed.rank + 1, parts, op.frames)


def detach_audio(sequence: Sequence, op: ClipDetachAudio, sources: Sources) -> Sequence:
    """Makes the sound of a clip a clip of its own, linked with it.

    before  v1 [aaaa]           {clip: "a", new: "s", track: "a1"}
            a1 ······
    after   v1 [aaaa]           a is silent; a and s are linked
            a1 [ssss]
    """
    found = sequence.open_clip(op.clip)
    piece = found.placed.piece
    target, onto = sequence.open_track(op.track)
    if found.track.kind == "audio":
        raise EditError("/clip", f"clip {op.clip} is on an audio track and has only sound")
    if piece.silent:
        raise EditError("/clip", f"the sound of clip {op.clip} was detached before")
    source = footage(piece, "hear")
    if onto.kind != "audio":
        raise EditError("/track", f"track {op.track} is a {onto.kind} track; the sound needs an audio track")
    material = sources.get(source.media)
    if material is not None and not material.has_sound:
        raise EditError("/clip", f"media {source.media} of clip {op.clip} has no sound to detach")
    members = [member.placed.piece.id for member in group(sequence, found)]
    sound = _replace(
        plain(piece, OF_PICTURES),
        id=op.new,
        head_cut=piece.head_cut if piece.audio_fade_in else 0,
        tail_cut=piece.tail_cut if piece.audio_fade_out else 0,
        effects=tuple(effect for effect in piece.effects if medium_of(effect) == "sound"),
        tail=None,
    )
    silent = _replace(
        plain(piece, OF_SOUNDS),
        silent=True,
        effects=tuple(effect for effect in piece.effects if medium_of(effect) == "picture"),
    )
    sequence = sequence.changed(found, silent).room().take(op.new, "/new")
    try:
        sequence = put(sequence, target, sound, found.placed.at, "place", op.new)
    except EditError as error:
        raise EditError("/track", error.detail) from None
    links = without(sequence.links, members) if len(members) > 1 else sequence.links
    return _replace(sequence, links=together(links, [*members, op.new]))


OPS: Final = (
    Definition(ClipSpeed, alone(speed), lambda op, _: touching.clip(op.clip, *touching.FRAMES), "/num"),
    Definition(ClipReverse, alone(reverse), lambda op, _: touching.clip(op.clip, "reversed"), "/reversed"),
    Definition(ClipFreeze, with_media(freeze), lambda op, _: touching.clip(op.clip, "at", *touching.FRAMES), "/at"),
    Definition(
        ClipDetachAudio,
        with_media(detach_audio),
        lambda op, _: touching.clip(op.clip, "at", "silent", *touching.FRAMES),
    ),
)
