"""What each kind of legacy op means in ours. docs/MIGRATION.md has this table in words. Pure.

A rule reads every argument that it understands and puts ops onto the draft. It raises Untranslatable where there is
more than one thing that the op could mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from services.ops.legacy.draft import PICTURE, Draft, Json, span_of
from services.ops.legacy.reading import CLIP, END, LENGTH, NEW_CLIP, START, TRACK, VIDEO, Given, Untranslatable, our_id

Rule = Callable[[Given, Draft], None]

TITLES: Final = "titles"
MUTED: Final = -120.0
"""The gain in dB of a clip that was muted, and nothing else: it comes back at 0."""
LOUDEST: Final = 10
SILENT: Final = -119.0
"""The gain of a clip whose volume was set to nothing, or that was muted at another volume than full."""


def add(given: Given, draft: Draft) -> None:
    legacy = given.get(*VIDEO)
    if isinstance(legacy, Mapping):
        legacy = legacy.get("id", legacy.get("_id"))
    media = draft.videos.get(str(legacy))
    if media is None:
        raise Untranslatable(f"video {str(legacy)[:80]!r} is not there")
    at = given.frames("position", "at", "timelineStart", "offset", "time")
    start, end = given.frames("in", "trimStart"), given.frames("out", "trimEnd")
    first, last, length = given.frames("start", "from"), given.frames("end", "to"), given.frames(*LENGTH)
    if start is None and end is None:
        start, end = first, last
    elif first is not None or last is not None:
        # What is cut from the source has names of its own: these are of the timeline.
        if at is not None and first not in (None, at):
            raise Untranslatable("it says twice where it stands, and not the same")
        at = first if at is None else at
        if last is not None and (at is None or end is None or last - at != end - (start or 0)):
            raise Untranslatable("its place and what it shows do not have the same length")
    start = start or 0
    if end is None and length is not None:
        end = start + length
    if end is None:
        raise Untranslatable("it does not say where the clip ends in its video")
    if length is not None and end - start != length:
        raise Untranslatable("its end and its length do not fit together")
    track = draft.track(given, PICTURE)
    if at is None:
        at = next((each.lane.end for each in draft.sequence.tracks if each.id == track), 0)
    clip = given.name("c", "clipId", "id", "clip") or draft.fresh()
    draft.do(op="clip.add", clip=clip, track=track, at=at, media=media, into=start, out=end)


def title(given: Given, draft: Draft) -> None:
    match given.get("action", "mode"):
        case None | "add" | "create" | "insert":
            pass
        case "remove" | "delete":
            clip = given.name("c", *CLIP, "id", "textId")
            if clip is None:
                raise Untranslatable("it does not say which text goes")
            given.get("text", "content", "title", "caption")
            draft.do(op="clip.remove", clip=draft.named(clip).piece.id, ripple=False)
            return
        case other:
            raise Untranslatable(f"what {str(other)[:40]!r} does to a text is not known")
    words = given.get("text", "content", "title", "caption")
    if not isinstance(words, str) or not words.strip():
        raise Untranslatable("it has no text")
    at = given.frames("start", "from", "begin", "at", "position", "time") or 0
    end, length = given.frames("end", "to", "until"), given.frames(*LENGTH)
    if length is not None and end is not None and end - at != length:
        raise Untranslatable("its end and its length do not fit together")
    frames = length if length is not None or end is None else end - at
    if frames is None or frames <= 0:
        raise Untranslatable("it does not say how long the text is shown")
    text: Json = {"text": words}
    for name in ("x", "y"):
        value = given.fraction(name)
        if value is not None:
            if not 0 <= value <= 1:
                raise Untranslatable(f"{name} is {value:g}, which is no fraction of the picture")
            text[name] = value
    color = given.get("color")
    if color is not None:
        text["color"] = str(color).lower()
    track = draft.track(given, TITLES)
    clip = given.name("c", "clipId", "id", "clip") or draft.fresh()
    draft.do(op="clip.add", clip=clip, track=track, at=at, frames=frames, text=text)


def trim(given: Given, draft: Draft) -> None:
    start, end, length = given.frames(*START), given.frames(*END), given.frames(*LENGTH)
    if end is None and length is not None:
        end = (start or 0) + length
    if start is None and end is None:
        raise Untranslatable("it says neither where the clip begins nor where it ends")
    if length is not None and end is not None and end - (start or 0) != length:
        raise Untranslatable("its end and its length do not fit together")
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
    start, end = start or 0, film if end is None else end
    if not 0 <= start < end <= film:
        raise Untranslatable(f"frames {start} to {end} are not in a film of {film}")
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
        raise Untranslatable("it does not say where to split")
    new = given.name("c", *NEW_CLIP)
    if draft.about_film(given):
        over = [placed for placed in draft.film().lane if placed.at < at < placed.end]
        if not over:
            raise Untranslatable(f"frame {at} is inside of no clip of the film")
        clip = over[0].piece.id
    else:
        clip = draft.clip(given).piece.id
    draft.do(op="clip.split", clip=clip, at=at, new=new or draft.fresh())


def move(given: Given, draft: Draft) -> None:
    at = given.frames("to", "position", "at", "time", "newStart", "newPosition", "start")
    if at is None:
        raise Untranslatable("it does not say where to")
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
            raise Untranslatable("it does not say what of the film goes")
        if ripple is False:
            raise Untranslatable("a film without gaps can't keep one")
        draft.alone()
        _without(draft, *span)
        return
    placed = draft.clip(given)
    if span is None:
        draft.do(op="clip.remove", clip=placed.piece.id, ripple=ripple is True)
        return
    if ripple is None:
        raise Untranslatable("whether the gap closes is not said")
    draft.one_time(placed)
    if span[1] > placed.end:
        raise Untranslatable(f"it ends at frame {span[1]}, and its clip at {placed.end}")
    for clip in draft.cut_out(*span):
        draft.do(op="clip.remove", clip=clip, ripple=ripple)


def speed(given: Given, draft: Draft) -> None:
    factor = given.number("speed", "rate", "factor", "multiplier", "value")
    if factor is None or factor <= 0:
        raise Untranslatable(f"a speed of {factor} is none")
    ratio = Fraction(factor).limit_denominator(1000)
    if not ratio:
        raise Untranslatable(f"a speed of {factor} is too slow")
    if draft.about_film(given):
        draft.alone()
    clips = draft.parts(given)
    for other, usual in (("speed", None), ("fade_in", 0), ("fade_out", 0)):
        draft.neutral(given, clips, other, usual)
    for clip in clips:
        draft.do(op="clip.speed", clip=clip, num=ratio.numerator, den=ratio.denominator, ripple=True)


def volume(given: Given, draft: Draft) -> None:
    level = given.number("gainDb", "db", "decibels")
    if level is None:
        factor = given.factor("volume", "level", "gain", "value")
        if factor is None or factor < 0:
            raise Untranslatable("it has no volume")
        if factor > LOUDEST:
            raise Untranslatable(f"a volume of {factor:g} times is more than anybody means")
        level = SILENT if factor == 0 else round(max(SILENT, 20 * math.log10(factor)), 4)
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
        raise Untranslatable("whether it mutes or not is not sure")
    for clip in draft.parts(given, sound=True):
        if draft.named(clip).piece.gain_db not in (0.0, MUTED):
            raise Untranslatable("which volume comes back is not sure")
        draft.do(op="clip.set", clip=clip, gainDb=0.0)


def fade(given: Given, draft: Draft) -> None:
    both, into, out = given.frames(*LENGTH), given.frames("fadeIn", "in"), given.frames("fadeOut", "out")
    direction = given.get("direction", "innerType", "innerKind", "fadeType", "mode")
    if given.kind in ("fadein", "fadeout"):
        if direction is not None:
            raise Untranslatable("it says twice which way it fades")
        direction = given.kind[4:]
    ways = {
        None: "both", "both": "both", "inout": "both", "in": "in", "fadein": "in", "out": "out", "fadeout": "out",
    }  # fmt: skip
    way = ways.get(direction if direction is None else "".join(c for c in str(direction).lower() if c.isalpha()))
    if way is None:
        raise Untranslatable(f"{str(direction)[:40]!r} is no way to fade")
    if both is not None and (into is not None or out is not None):
        raise Untranslatable("it says twice how long it fades")
    if way == "in":
        into = both if into is None else into
    elif way == "out":
        out = both if out is None else out
    elif into is None and out is None:
        into = out = both
    if (way == "in" and out is not None) or (way == "out" and into is not None) or (into is None and out is None):
        raise Untranslatable("how long it fades is not sure")
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
    _looks(given, draft, "scale", given.fraction("scale", "zoom", "factor", "level", "value"))


def _looks(given: Given, draft: Draft, name: str, value: float | None) -> None:
    if value is None:
        raise Untranslatable(f"it has no {name}")
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
        raise Untranslatable("it does not say which way it flips")
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
        raise Untranslatable("it does not say what of the picture stays")
    if not (0 <= left < 1 and 0 <= top < 1 and 0 < width <= 1 - left and 0 < height <= 1 - top):
        raise Untranslatable("its numbers are no fractions of the picture")
    if width == height == 1:
        raise Untranslatable("whether its numbers are pixels or fractions is not sure")
    edges = {"left": left, "top": top, "right": _rest(left, width), "bottom": _rest(top, height)}
    clips = draft.parts(given)
    for other, usual in (("rotation", 0.0), ("scale", 1.0), ("crop", None), ("flip_h", False), ("flip_v", False)):
        draft.neutral(given, clips, other, usual)
    for clip in clips:
        draft.do(op="clip.set", clip=clip, crop=edges)


def _rest(first: float, size: float) -> float:
    return round(max(0.0, 1 - first - size), 9)


def tone(kind: str) -> Rule:
    """An effect of ours that has no parameters."""

    def rule(given: Given, draft: Draft) -> None:
        clips = draft.parts(given)
        for other, usual in (("opacity", 1.0), ("fade_in", 0), ("fade_out", 0)):
            draft.neutral(given, clips, other, usual)
        for clip in clips:
            draft.do(op="effect.add", clip=clip, effect=our_id("e", f"{kind} {draft.fresh()}"), kind=kind)

    return rule


def reverse(given: Given, draft: Draft) -> None:
    backwards = given.truth("reversed", "reverse", "enabled", "value") is not False
    if draft.about_film(given):
        draft.alone()
        (only,) = found if len(found := list(draft.film().lane)) == 1 else (None,)
        if only is None:
            raise Untranslatable(f"the film has {len(found)} clips, which would have to change places")
        if only.piece.reversed:
            raise Untranslatable("whether it plays forwards again is not sure")
        clip = only.piece.id
    else:
        clip = draft.clip(given).piece.id
    draft.do(op="clip.reverse", clip=clip, reversed=backwards)


def add_track(given: Given, draft: Draft) -> None:
    track = given.name("t", "trackId", "id", "track", "name")
    if track is None:
        raise Untranslatable("it names no track")
    kind = given.get("kind", "trackType", "mediaType", "innerType")
    if kind not in (None, "audio", "video", "text", "overlay"):
        raise Untranslatable(f"{str(kind)[:40]!r} is no kind of track that is known")
    draft.do(op="track.add", track=track, kind="audio" if kind == "audio" else "video")


def remove_track(given: Given, draft: Draft) -> None:
    track = given.name("t", "trackId", "id", "track", "name")
    if track is None:
        raise Untranslatable("it names no track")
    draft.do(op="track.remove", track=track)


def marker(given: Given, draft: Draft) -> None:
    at = given.frames("at", "time", "position", "start")
    if at is None:
        raise Untranslatable("it does not say where")
    name = given.name("m", "markerId", "id") or our_id("m", draft.fresh())
    label = str(given.get("label", "name", "text") or "")[:1000]
    draft.do(op="marker.add", marker=name, at=at, label=label)


def resize(given: Given, draft: Draft) -> None:
    width, height = given.number("width"), given.number("height")
    if width is None or height is None or not (width.is_integer() and height.is_integer()):
        raise Untranslatable("it has no width and height")
    draft.do(op="project.configure", width=int(width), height=int(height))


RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(("add", "addclip", "insert", "insertclip", "append", "appendclip", "import", "addvideo"), add),
    **dict.fromkeys(("trim", "trimclip", "cutclip"), trim),
    "crop": crop,
    **dict.fromkeys(("split", "splitclip", "cut"), split),
    **dict.fromkeys(("move", "moveclip"), move),
    **dict.fromkeys(("remove", "removeclip", "delete", "deleteclip"), remove),
    **dict.fromkeys(("text", "addtext", "title", "addtitle", "overlaytext"), title),
    **dict.fromkeys(("speed", "setspeed", "changespeed"), speed),
    **dict.fromkeys(("volume", "setvolume", "changevolume", "gain"), volume),
    "mute": mute, "muteclip": mute, "muteaudio": mute, "unmute": unmute, "unmuteclip": unmute,
    **dict.fromkeys(("fade", "fadein", "fadeout"), fade),
    "opacity": opacity, "setopacity": opacity, "rotate": rotate, "rotation": rotate, "scale": scale, "zoom": scale,
    **dict.fromkeys(
        ("flip", "hflip", "vflip", "fliph", "flipv", "mirror", "fliphorizontal", "flipvertical"), flip
    ),
    "grayscale": tone("grayscale"), "greyscale": tone("grayscale"), "blackandwhite": tone("grayscale"),
    "blackwhite": tone("grayscale"), "bw": tone("grayscale"), "invert": tone("invert"), "negative": tone("invert"),
    "reverse": reverse, "reverseclip": reverse,
    "addtrack": add_track, "removetrack": remove_track, "deletetrack": remove_track,
    "marker": marker, "addmarker": marker,
    **dict.fromkeys(("resize", "setresolution", "resolution", "setcanvas"), resize),
}  # fmt: skip
"""Kind of legacy op → what it means."""
