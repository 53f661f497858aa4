"""Legacy ops that cut: what stands where, for how long, how fast. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from services.ops.legacy.draft import PICTURE, Draft, Json, span_of
from services.ops.legacy.reading import END, LENGTH, NEW_CLIP, START, TRACK, VIDEO, Given, UntranslatableError

FASTEST: Final = 16
"""Times as fast as the source: more may be percent."""


def add(given: Given, draft: Draft) -> None:
    legacy = given.get(*VIDEO)
    if isinstance(legacy, Mapping):
        legacy = legacy.get("id", legacy.get("_id"))
    media = draft.videos.get(str(legacy))
    if media is None:
        raise UntranslatableError(f"video {str(legacy)[:80]!r} is not there")
    at = given.frames("position", "at", "timelineStart", "offset", "time")
    start, end = given.frames("in", "trimStart"), given.frames("out", "trimEnd")
    first, last, length = given.frames("start", "from"), given.frames("end", "to"), given.frames(*LENGTH)
    if start is None and end is None:
        start, end = first, last
    elif first is not None or last is not None:
        # What is cut from the source has names of its own: these are of the timeline.
        if at is not None and first not in (None, at):
            raise UntranslatableError("it says twice where it stands, and not the same")
        at = first if at is None else at
        if last is not None and (at is None or end is None or last - at != end - (start or 0)):
            raise UntranslatableError("its place and what it shows do not have the same length")
    start = start or 0
    if end is None and length is not None:
        end = start + length
    if end is None:
        raise UntranslatableError("it does not say where the clip ends in its video")
    if length is not None and end - start != length:
        raise UntranslatableError("its end and its length do not fit together")
    track = draft.track(given, PICTURE)
    if at is None:
        at = next((each.lane.end for each in draft.sequence.tracks if each.id == track), 0)
    clip = given.name("c", "clipId", "id", "clip") or draft.fresh()
    draft.do(op="clip.add", clip=clip, track=track, at=at, media=media, into=start, out=end)


def trim(given: Given, draft: Draft) -> None:
    start, end, length = given.frames(*START), given.frames(*END), given.frames(*LENGTH)
    if end is None and length is not None:
        end = (start or 0) + length
    if start is None and end is None:
        raise UntranslatableError("it says neither where the clip begins nor where it ends")
    if length is not None and end is not None and end - (start or 0) != length:
        raise UntranslatableError("its end and its length do not fit together")
    if not draft.about_film(given):
        placed = draft.clip(given)
        ends: Json = {"into": start} if start is not None else {}
        if end is not None:
            ends["out"] = end
        draft.do(op="clip.trim", clip=placed.piece.id, **ends)
        if draft.named(placed.piece.id).at != placed.at:  # a clip keeps its place, whatever it shows
            draft.do(op="clip.move", clip=placed.piece.id, at=placed.at, mode="place")
        return
    draft.alone()
    film = draft.film().lane.end
    start, end = start or 0, film if end is None else min(end, film)  # what is beyond the end was nothing
    if not 0 <= start < end:
        raise UntranslatableError(f"frames {start} to {end} are not in a film of {film}")
    if end < film:
        _without(draft, end, film)
    if start:
        _without(draft, 0, start)


def _without(draft: Draft, start: int, end: int) -> None:
    for clip in draft.cut_out(start, end):
        draft.do(op="clip.remove", clip=clip, ripple=True)


def split(given: Given, draft: Draft) -> None:
    if given.has_time(*END, *LENGTH):  # a range that is cut out
        remove(given, draft)
        return
    at = given.frames("at", "time", "position", "splitAt", "splitPoint", "start")
    if at is None:
        raise UntranslatableError("it does not say where to split")
    new = given.name("c", *NEW_CLIP)
    if draft.about_film(given):
        over = [placed for placed in draft.film().lane if placed.at < at < placed.end]
        if not over:
            raise UntranslatableError(f"frame {at} is inside of no clip of the film")
        clip = over[0].piece.id
    else:
        clip = draft.clip(given).piece.id
    draft.do(op="clip.split", clip=clip, at=at, new=new or draft.fresh())


def move(given: Given, draft: Draft) -> None:
    at = given.frames("to", "position", "at", "time", "newStart", "newPosition", "start")
    if at is None:
        raise UntranslatableError("it does not say where to")
    clip = draft.clip(given).piece.id
    if given.has(*TRACK):
        draft.do(op="clip.move", clip=clip, at=at, mode="place", track=draft.track(given, PICTURE))
    else:
        draft.do(op="clip.move", clip=clip, at=at, mode="place")


def remove(given: Given, draft: Draft) -> None:
    ripple = given.truth("ripple", "closeGap")
    span = span_of(given)
    if draft.about_film(given):
        if span is None:
            raise UntranslatableError("it does not say what of the film goes")
        if ripple is False:
            raise UntranslatableError("a film without gaps can't keep one")
        draft.alone()
        _without(draft, *span)
        return
    placed = draft.clip(given)
    if span is None:
        draft.do(op="clip.remove", clip=placed.piece.id, ripple=ripple is True)
        return
    if ripple is None:
        raise UntranslatableError("whether the gap closes is not said")
    draft.one_time(placed)
    if span[1] > placed.end:
        raise UntranslatableError(f"it ends at frame {span[1]}, and its clip at {placed.end}")
    for clip in draft.cut_out(*span):
        draft.do(op="clip.remove", clip=clip, ripple=ripple)


def speed(given: Given, draft: Draft) -> None:
    factor = given.number("speed", "rate", "factor", "multiplier", "value")
    if factor is None or factor <= 0:
        raise UntranslatableError(f"a speed of {factor} is none")
    if factor > FASTEST:
        raise UntranslatableError(f"whether a speed of {factor:g} is a factor or percent is not sure")
    ratio = Fraction(factor).limit_denominator(1000)
    if not ratio:
        raise UntranslatableError(f"a speed of {factor} is too slow")
    if draft.about_film(given):
        draft.alone()
    clips = draft.parts(given)
    for other, usual in (("speed", None), ("fade_in", 0), ("fade_out", 0)):
        draft.neutral(given, clips, other, usual)
    for clip in clips:
        draft.do(op="clip.speed", clip=clip, num=ratio.numerator, den=ratio.denominator, ripple=True)


def reverse(given: Given, draft: Draft) -> None:
    backwards = given.truth("reversed", "reverse", "enabled", "value") is not False
    if draft.about_film(given):
        draft.alone()
        first, *others = draft.film().lane
        if others:
            raise UntranslatableError(f"the film has {1 + len(others)} clips, which would have to change places")
        if first.piece.reversed:
            raise UntranslatableError("whether it plays forwards again is not sure")
        clip = first.piece.id
    else:
        clip = draft.clip(given).piece.id
    draft.do(op="clip.reverse", clip=clip, reversed=backwards)
