"""Legacy ops that put other videos and sounds beside what is there, or make one clip of several. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cutlog.contract.timeline import MediaSource
from services.ops.edits.lane import Placed
from services.ops.edits.sources import Material
from services.ops.legacy.draft import PICTURE, Draft
from services.ops.legacy.looking import decibels
from services.ops.legacy.reading import LENGTH, TRACK, VIDEO, Given, UntranslatableError, our_id

SOUND = "audio"
"""The track of sounds that were put beside the film; others follow where it is taken."""


def add_audio(given: Given, draft: Draft) -> None:
    media, material = _media(given.get(*VIDEO, "audioId", "audio", "musicId", "soundId"), draft)
    if not material.has_sound:
        raise UntranslatableError("it has no sound")
    whole = material.frames(draft.sequence.canvas.fps)
    if whole is None:
        raise UntranslatableError("how long it is is not known")
    if given.truth("loop", "repeat"):
        raise UntranslatableError("a sound that is repeated is none here")
    at = given.frames("start", "from", "begin", "at", "position", "offset") or 0
    end, length, first = given.frames("end", "to", "until"), given.frames(*LENGTH), given.frames("in", "trimStart") or 0
    if length is not None and end is not None and end - at != length:
        raise UntranslatableError("its end and its length do not fit together")
    frames = length if length is not None or end is None else end - at
    if frames is None:
        frames = whole - first
        if at + frames > draft.film().lane.end:
            raise UntranslatableError("it is longer than the film, and whether it ends with it is not sure")
    if frames <= 0 or first + frames > whole:
        raise UntranslatableError(f"its {whole} frames are not enough, and whether it is repeated is not sure")
    factor = given.factor("volume", "level")
    track = draft.track(given, _free(draft, at, at + frames)) if not given.has(*TRACK) else draft.track(given, SOUND)
    clip = given.name("c", "clipId", "id", "clip") or draft.fresh()
    draft.do(op="clip.add", clip=clip, track=track, at=at, media=media, into=first, out=first + frames)
    if factor is not None and factor != 1:
        draft.do(op="clip.set", clip=clip, gainDb=decibels(factor))


def _free(draft: Draft, start: int, end: int) -> str:
    """A track of sounds that has nothing in a range."""
    taken = {
        track.id for track in draft.sequence.tracks if any(each.at < end and each.end > start for each in track.lane)
    }
    return next(name for n in range(1, len(taken) + 2) if (name := SOUND if n == 1 else f"{SOUND}-{n}") not in taken)


def merge(given: Given, draft: Draft) -> None:
    clips = given.get("clipIds", "clips")
    if clips is not None:
        _join(clips, draft)
        return
    several = given.get("videoIds", "videos", "sources")
    if several is not None and not isinstance(several, list):
        raise UntranslatableError("its videos are no list")
    others = [_media(each, draft) for each in (several if several is not None else [given.get(*VIDEO)])]
    draft.alone()
    film = list(draft.film().lane)
    if several is not None:
        shown = {placed.piece.source.media for placed in film if isinstance(placed.piece.source, MediaSource)}
        if not others or shown != {others[0][0]}:
            raise UntranslatableError("whether the film itself comes first is not sure")
        others = others[1:]
    for media, material in others:
        frames = material.frames(draft.sequence.canvas.fps)
        if not material.has_picture or frames is None:
            raise UntranslatableError(f"media {media} is no video")
        at = draft.film().lane.end
        draft.do(op="clip.add", clip=draft.fresh(), track=PICTURE, at=at, media=media, into=0, out=frames)


def _join(names: Any, draft: Draft) -> None:
    """Makes one clip of those that a split has made of one."""
    if not isinstance(names, list) or len(names) < 2 or not all(isinstance(each, str | int) for each in names):
        raise UntranslatableError("it does not name the clips")
    first, *others = (our_id("c", str(each)) for each in names)
    for other in others:
        left, right = draft.named(first), draft.named(other)
        if not _one(left, right):
            raise UntranslatableError(f"clips {first} and {other} do not go on in one another")
        assert isinstance(right.piece.source, MediaSource)
        out = right.piece.source.end
        draft.do(op="clip.remove", clip=other, ripple=False)
        draft.do(op="clip.trim", clip=first, out=out)


def _one(left: Placed, right: Placed) -> bool:
    a, b = left.piece, right.piece
    if not isinstance(a.source, MediaSource) or not isinstance(b.source, MediaSource) or left.end != right.at:
        return False
    if a.speed is not None or a.reversed or a.source.media != b.source.media or a.source.end != b.source.start:
        return False
    if a.fade_in or a.fade_out or a.audio_fade_in or a.audio_fade_out or a.tail is not None:
        return False
    alike = msgspec.structs.replace(
        b, id=a.id, source=a.source, frames=a.frames, head_cut=a.head_cut, tail_cut=a.tail_cut
    )
    return alike == a


def _media(legacy: Any, draft: Draft) -> tuple[str, Material]:
    if isinstance(legacy, Mapping):
        legacy = legacy.get("id", legacy.get("_id"))
    media = draft.videos.get(str(legacy))
    material = None if media is None else draft.sources.get(media)
    if media is None or material is None:
        raise UntranslatableError(f"media {str(legacy)[:80]!r} is not there")
    return media, material
