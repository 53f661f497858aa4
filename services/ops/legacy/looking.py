"""Legacy ops that change how clips look and sound. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from services.ops.legacy.cutting import trim
from services.ops.legacy.draft import Draft
from services.ops.legacy.reading import END, LENGTH, START, Given, UntranslatableError, our_id

MUTED: Final = -120.0
"""The gain in dB of a clip that was muted, and nothing else: it comes back at 0."""
SILENT: Final = -119.0
"""The gain of a clip whose volume was set to nothing, or that was muted at another volume than full."""
LOUDEST: Final = 10
"""Times as loud as the source: more is a number that was meant otherwise."""
LARGEST: Final = 10
"""Times as large, likewise."""


def decibels(factor: float) -> float:
    """A volume as the gain of a clip. Raises UntranslatableError."""
    if not 0 <= factor <= LOUDEST:
        raise UntranslatableError(f"a volume of {factor:g} times is more than anybody means")
    return SILENT if factor == 0 else round(max(SILENT, 20 * math.log10(factor)), 4)


def volume(given: Given, draft: Draft) -> None:
    level = given.number("gainDb", "db", "decibels")
    if level is None:
        if given.has("gain") or (given.kind == "gain" and given.has("value")):
            raise UntranslatableError("whether a gain is a factor or decibels is not sure")
        factor = given.factor("volume", "level", "value")
        if factor is None or factor < 0:
            raise UntranslatableError("it has no volume")
        level = decibels(factor)
    clips = draft.parts(given, sound=True)
    if level > SILENT:
        draft.neutral(given, clips, "gain_db", 0.0)
    for clip in clips:
        draft.do(op="clip.set", clip=clip, gainDb=level)


def mute(given: Given, draft: Draft) -> None:
    if given.truth("muted", "mute", "enabled", "value") is False:
        unmute(given, draft)
        return
    for clip in draft.parts(given, sound=True):
        full = draft.named(clip).piece.gain_db in (0.0, MUTED)
        draft.do(op="clip.set", clip=clip, gainDb=MUTED if full else SILENT)


def unmute(given: Given, draft: Draft) -> None:
    if given.kind.startswith("un") and given.truth("muted", "mute", "enabled", "value") is False:
        raise UntranslatableError("whether it mutes or not is not sure")
    for clip in draft.parts(given, sound=True):
        if draft.named(clip).piece.gain_db not in (0.0, MUTED):
            raise UntranslatableError("which volume comes back is not sure")
        draft.do(op="clip.set", clip=clip, gainDb=0.0)


def fade(given: Given, draft: Draft) -> None:
    both, into, out = given.frames(*LENGTH), given.frames("fadeIn", "in"), given.frames("fadeOut", "out")
    direction = given.get("direction", "innerType", "innerKind", "fadeType", "mode")
    if given.kind in ("fadein", "fadeout"):
        if direction is not None:
            raise UntranslatableError("it says twice which way it fades")
        direction = given.kind[4:]
    ways = {
        None: "both", "both": "both", "inout": "both", "in": "in", "fadein": "in", "out": "out", "fadeout": "out",
    }  # fmt: skip
    way = ways.get(direction if direction is None else "".join(c for c in str(direction).lower() if c.isalpha()))
    if way is None:
        raise UntranslatableError(f"{str(direction)[:40]!r} is no way to fade")
    if both is not None and (into is not None or out is not None):
        raise UntranslatableError("it says twice how long it fades")
    if way == "in":
        into = both if into is None else into
    elif way == "out":
        out = both if out is None else out
    elif into is None and out is None:
        into = out = both
    if (way == "in" and out is not None) or (way == "out" and into is not None) or (into is None and out is None):
        raise UntranslatableError("how long it fades is not sure")
    if draft.about_film(given):
        lane = list(draft.film().lane)
        ends = (lane[0].piece.id, lane[-1].piece.id)
    else:
        ends = (draft.clip(given).piece.id,) * 2
    for clip, name, frames in ((ends[0], "fade_in", into), (ends[1], "fade_out", out)):
        if frames is not None:
            draft.neutral(given, (clip,), name, 0)
    if ends[0] == ends[1] and into is not None and out is not None:
        draft.do(op="clip.set", clip=ends[0], fadeIn=into, fadeOut=out)
        return
    if into is not None:
        draft.do(op="clip.set", clip=ends[0], fadeIn=into)
    if out is not None:
        draft.do(op="clip.set", clip=ends[1], fadeOut=out)


def opacity(given: Given, draft: Draft) -> None:
    _looks(given, draft, "opacity", given.fraction("opacity", "alpha", "value"))


def rotate(given: Given, draft: Draft) -> None:
    _looks(given, draft, "rotation", given.number("rotation", "angle", "degrees", "rotate", "value"))


def scale(given: Given, draft: Draft) -> None:
    value = given.fraction("scale", "zoom", "factor", "level", "value")
    if value is not None and value > LARGEST:
        raise UntranslatableError(f"whether a scale of {value:g} is a factor or percent is not sure")
    _looks(given, draft, "scale", value)


def _looks(given: Given, draft: Draft, name: str, value: float | None) -> None:
    if value is None:
        raise UntranslatableError(f"it has no {name}")
    clips = draft.parts(given)
    draft.neutral(given, clips, name, 0.0 if name == "rotation" else 1.0)
    for clip in clips:
        draft.do(op="clip.set", clip=clip, **{name: value})


def flip(given: Given, draft: Draft) -> None:
    direction = given.get("direction", "axis", "innerType", "mode")
    ways = {"horizontal": "flipH", "h": "flipH", "x": "flipH", "vertical": "flipV", "v": "flipV", "y": "flipV"}
    kinds = {
        "hflip": "flipH", "fliph": "flipH", "fliphorizontal": "flipH", "mirror": "flipH", "vflip": "flipV",
        "flipv": "flipV", "flipvertical": "flipV",
    }  # fmt: skip
    name = kinds.get(given.kind) or ways.get(str(direction).lower())
    if name is None or (direction is not None and ways.get(str(direction).lower()) != name):
        raise UntranslatableError("it does not say which way it flips")
    clips = draft.parts(given)
    draft.neutral(given, clips, "rotation", 0.0)  # what is turned after it was mirrored is turned the other way
    draft.neutral(given, clips, "flip_h" if name == "flipH" else "flip_v", False)
    for clip in clips:
        draft.do(op="clip.set", clip=clip, **{name: True})


def crop(given: Given, draft: Draft) -> None:
    """A crop of the picture in fractions; one with times is a trim."""
    if given.has_time(*START, *END, *LENGTH) and not given.has("width", "height", "w", "h"):
        trim(given, draft)
        return
    left, top = given.fraction("x", "left") or 0.0, given.fraction("y", "top") or 0.0
    width, height = given.fraction("width", "w"), given.fraction("height", "h")
    if width is None or height is None:
        raise UntranslatableError("it does not say what of the picture stays")
    if not (0 <= left < 1 and 0 <= top < 1 and 0 < width <= 1 - left and 0 < height <= 1 - top):
        raise UntranslatableError("its numbers are no fractions of the picture")
    if width == height == 1:
        raise UntranslatableError("whether its numbers are pixels or fractions is not sure")
    edges = {"left": left, "top": top, "right": _rest(left, width), "bottom": _rest(top, height)}
    clips = draft.parts(given)
    for other, usual in (("rotation", 0.0), ("scale", 1.0), ("crop", None), ("flip_h", False), ("flip_v", False)):
        draft.neutral(given, clips, other, usual)
    for clip in clips:
        draft.do(op="clip.set", clip=clip, crop=edges)


def _rest(first: float, size: float) -> float:
    return round(max(0.0, 1 - first - size), 9)


def tone(kind: str) -> Callable[[Given, Draft], None]:
    """An effect of ours that has no parameters."""

    def rule(given: Given, draft: Draft) -> None:
        clips = draft.parts(given)
        for other, usual in (("opacity", 1.0), ("fade_in", 0), ("fade_out", 0)):
            draft.neutral(given, clips, other, usual)
        for clip in clips:
            draft.do(op="effect.add", clip=clip, effect=our_id("e", f"{kind} {draft.fresh()}"), kind=kind)

    return rule
