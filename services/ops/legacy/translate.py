"""Legacy ops in the edit language. docs/MIGRATION.md has this table in words. Pure.

A translation is sure or there is none: an op that could mean two things is kept as it was written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Several
from fractions import Fraction
from typing import Any, Final

import msgspec

from cutlog.contract.lines import one_line
from cutlog.contract.ops import Op
from services.ops.edits.apply import apply
from services.ops.edits.errors import EditError
from services.ops.edits.lane import Placed
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Sources
from services.ops.legacy.reading import CLIP, NEW_CLIP, TRACK, VIDEO, Given, Untranslatable, our_id

Json = dict[str, Any]
PICTURE: Final = "video"
TITLES: Final = "titles"
TITLE_SECONDS: Final = 5
SILENT: Final = -120.0


class Context(msgspec.Struct, frozen=True):
    """What an op is read against: the timeline before it, ids of videos by their legacy ids, a name for a new clip."""

    sequence: Sequence
    videos: Mapping[str, str]
    fresh: str

    @property
    def rate(self) -> Fraction:
        return self.sequence.canvas.fps.fraction

    def track(self, given: Given, default: str) -> tuple[str, list[Json]]:
        """The track that an op names, or the usual one, and the op that makes it where it is not there."""
        track = given.name("t", *TRACK) or default
        if any(each.id == track for each in self.sequence.tracks):
            return track, []
        kind = "audio" if re.fullmatch(r"audio.*|a\d+", track) else "video"
        return track, [{"op": "track.add", "track": track, "kind": kind}]

    def clip(self, given: Given) -> Placed:
        """The clip that an op is about: the one it names, or the only one there is. Raises Untranslatable."""
        named = given.name("c", *CLIP)
        if named is not None:
            for track in self.sequence.tracks:
                if (placed := track.lane.find(named)) is not None:
                    return placed
            raise Untranslatable(f"there is no clip {named}")
        every = list(self.sequence.clips())
        if len(every) != 1:
            raise Untranslatable(f"it names no clip, and there are {len(every)}")
        return every[0]


def typed(ops: Several[Json]) -> tuple[Op, ...]:
    """Ops as the engine takes them. Raises msgspec.ValidationError."""
    return msgspec.convert(ops, tuple[Op, ...])


Rule = Callable[[Given, Context], list[Json]]


def translated(
    legacy: Several[Any], sequence: Sequence, videos: Mapping[str, str], sources: Sources, version: int
) -> tuple[list[Json], Sequence]:
    """The ops of one version in the edit language, and the timeline that they lead to. Raises Untranslatable."""
    ops: list[Json] = []
    for index, each in enumerate(legacy):
        if not isinstance(each, Mapping):
            raise Untranslatable(f"op {index} is {type(each).__name__} and no object")
        for op in _one(each, Context(sequence, videos, f"c{version}-{index}")):
            try:
                sequence = apply(sequence, typed([op])[0], sources)
            except EditError as error:
                raise Untranslatable(f"op {index} ({op['op']}) does not apply: {error.detail}") from None
            except msgspec.ValidationError as error:
                raise Untranslatable(f"op {index} ({op['op']}): {error}") from None
            ops.append(op)
    return ops, sequence


def _one(legacy: Mapping[str, Any], context: Context) -> list[Json]:
    if isinstance(name := legacy.get("op"), str) and "." in name:
        return [_with_videos(_with_lines(dict(legacy)), context)]
    given = Given(legacy, context.rate)
    rule = RULES.get(given.kind)
    if rule is None:
        raise Untranslatable(f"{given.kind!r} is no kind of edit that is known")
    return rule(given, context)


def _with_lines(op: Json) -> Json:
    """An op that is in the edit language already, with its names as we take them."""
    named = op["op"] in ("project.configure", "track.set") and isinstance(op.get("name"), str)
    return op | {"name": one_line(op["name"])} if named else op


def _with_videos(op: Json, context: Context) -> Json:
    """An op that is in the edit language already, but for what videos are called."""
    if op["op"] == "history.revert":
        raise Untranslatable("a revert goes back to what may not be there; the versions after it tell what it led to")
    media = op.get("media")
    return op | {"media": context.videos.get(str(media), media)} if media is not None else op


def _add(given: Given, context: Context) -> list[Json]:
    legacy = given.get(*VIDEO)
    if isinstance(legacy, Mapping):
        legacy = legacy.get("id", legacy.get("_id"))
    media = context.videos.get(str(legacy))
    if media is None:
        raise Untranslatable(f"video {str(legacy)[:80]!r} is not there")
    start, end = given.frames("start", "in", "from", "trimStart") or 0, given.frames("end", "out", "to", "trimEnd")
    if end is None and (length := given.frames("duration", "length")) is not None:
        end = start + length
    if end is None:
        raise Untranslatable("it does not say where the clip ends in its video")
    track, before = context.track(given, PICTURE)
    at = given.frames("position", "at", "time", "timelineStart", "offset")
    if at is None:
        at = next((each.lane.end for each in context.sequence.tracks if each.id == track), 0)
    clip = given.name("c", "clipId", "id", "clip") or context.fresh
    return [
        *before,
        {"op": "clip.add", "clip": clip, "track": track, "at": at, "media": media, "in": start, "out": end},
    ]


def _title(given: Given, context: Context) -> list[Json]:
    words = given.get("text", "content", "title", "caption")
    if not isinstance(words, str) or not words.strip():
        raise Untranslatable("it has no text")
    at = given.frames("start", "at", "position", "time", "from") or 0
    end, length = given.frames("end", "to"), given.frames("duration", "length")
    frames = length if length is not None else (end - at if end is not None else round(TITLE_SECONDS * context.rate))
    text: Json = {"text": words}
    for ours, low, high in (("x", 0.0, 1.0), ("y", 0.0, 1.0)):
        value = given.number(ours)
        if value is not None:
            if not low <= value <= high:
                raise Untranslatable(f"{ours} is {value}, which is no fraction of the picture")
            text[ours] = value
    if isinstance(color := given.get("color"), str):
        text["color"] = color.lower()
    track, before = context.track(given, TITLES)
    clip = given.name("c", "clipId", "id", "clip") or context.fresh
    return [*before, {"op": "clip.add", "clip": clip, "track": track, "at": at, "frames": frames, "text": text}]


def _trim(given: Given, context: Context) -> list[Json]:
    op: Json = {"op": "clip.trim", "clip": context.clip(given).piece.id}
    start, end = given.frames("start", "in", "from", "trimStart"), given.frames("end", "out", "to", "trimEnd")
    if start is None and end is None:
        raise Untranslatable("it says neither where the clip begins nor where it ends")
    if start is not None:
        op["in"] = start
    if end is not None:
        op["out"] = end
    return [op]


def _split(given: Given, context: Context) -> list[Json]:
    at = given.frames("at", "time", "position", "splitAt")
    if at is None:
        raise Untranslatable("it does not say where to split")
    clip = context.clip(given).piece.id
    return [{"op": "clip.split", "clip": clip, "at": at, "new": given.name("c", *NEW_CLIP) or context.fresh}]


def _move(given: Given, context: Context) -> list[Json]:
    at = given.frames("to", "position", "at", "time", "newStart", "start")
    if at is None:
        raise Untranslatable("it does not say where to")
    op: Json = {"op": "clip.move", "clip": context.clip(given).piece.id, "at": at, "mode": "place"}
    if given.get(*TRACK) is None:
        return [op]
    track, before = context.track(given, PICTURE)
    return [*before, op | {"track": track}]


def _remove(given: Given, context: Context) -> list[Json]:
    return [{"op": "clip.remove", "clip": context.clip(given).piece.id, "ripple": given.get("ripple") is True}]


def _speed(given: Given, context: Context) -> list[Json]:
    factor = given.number("speed", "rate", "factor", "value")
    if factor is None or factor <= 0:
        raise Untranslatable(f"a speed of {factor} is none")
    ratio = Fraction(factor).limit_denominator(1000)
    if not ratio:
        raise Untranslatable(f"a speed of {factor} is too slow")
    clip = context.clip(given).piece.id
    return [{"op": "clip.speed", "clip": clip, "num": ratio.numerator, "den": ratio.denominator, "ripple": True}]


def _volume(given: Given, context: Context) -> list[Json]:
    level = given.number("gainDb", "db")
    if level is None:
        factor = given.number("volume", "level", "gain", "value")
        if factor is None or factor < 0:
            raise Untranslatable("it has no volume")
        level = SILENT if factor == 0 else round(max(SILENT, 20 * math.log10(factor)), 4)
    return [_set(given, context, gainDb=level)]


def _mute(given: Given, context: Context) -> list[Json]:
    return [_set(given, context, gainDb=SILENT)]


def _unmute(given: Given, context: Context) -> list[Json]:
    return [_set(given, context, gainDb=0.0)]


def _fade(given: Given, context: Context) -> list[Json]:
    both, into, out = given.frames("duration"), given.frames("fadeIn", "in"), given.frames("fadeOut", "out")
    if given.kind.startswith("fadein"):
        into, both = into if into is not None else both, None
    elif given.kind.startswith("fadeout"):
        out, both = out if out is not None else both, None
    looks = {"fadeIn": into if into is not None else both, "fadeOut": out if out is not None else both}
    found = {name: frames for name, frames in looks.items() if frames is not None}
    if not found:
        raise Untranslatable("it does not say how long it fades")
    return [_set(given, context, **found)]


def _opacity(given: Given, context: Context) -> list[Json]:
    return [_set(given, context, opacity=_needed(given, "opacity", "value"))]


def _rotate(given: Given, context: Context) -> list[Json]:
    return [_set(given, context, rotation=_needed(given, "rotation", "angle", "degrees", "value"))]


def _scale(given: Given, context: Context) -> list[Json]:
    return [_set(given, context, scale=_needed(given, "scale", "value"))]


def _set(given: Given, context: Context, **looks: Any) -> Json:
    return {"op": "clip.set", "clip": context.clip(given).piece.id, **looks}


def _needed(given: Given, *names: str) -> float:
    value = given.number(*names)
    if value is None:
        raise Untranslatable(f"it has no {names[0]}")
    return value


def _reverse(given: Given, context: Context) -> list[Json]:
    return [
        {"op": "clip.reverse", "clip": context.clip(given).piece.id, "reversed": given.get("reversed") is not False}
    ]


def _track(given: Given, context: Context) -> list[Json]:
    track = given.name("t", "trackId", "id", "track", "name")
    if track is None:
        raise Untranslatable("it names no track")
    kind = given.get("kind", "trackType", "mediaType")
    return [{"op": "track.add", "track": track, "kind": "audio" if kind == "audio" else "video"}]


def _untrack(given: Given, context: Context) -> list[Json]:
    track = given.name("t", "trackId", "id", "track", "name")
    if track is None:
        raise Untranslatable("it names no track")
    return [{"op": "track.remove", "track": track}]


def _marker(given: Given, context: Context) -> list[Json]:
    at = given.frames("at", "time", "position", "start")
    if at is None:
        raise Untranslatable("it does not say where")
    marker = given.name("m", "markerId", "id") or our_id("m", context.fresh)
    return [
        {"op": "marker.add", "marker": marker, "at": at, "label": str(given.get("label", "name", "text") or "")[:1000]}
    ]


def _resize(given: Given, context: Context) -> list[Json]:
    width, height = given.number("width"), given.number("height")
    if width is None or height is None or not (width.is_integer() and height.is_integer()):
        raise Untranslatable("it has no width and height")
    return [{"op": "project.configure", "width": int(width), "height": int(height)}]


RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(("add", "addclip", "insert", "insertclip", "append", "appendclip", "import", "addvideo"), _add),
    **dict.fromkeys(("trim", "trimclip", "crop", "cutclip"), _trim),
    **dict.fromkeys(("split", "splitclip", "cut"), _split),
    **dict.fromkeys(("move", "moveclip"), _move),
    **dict.fromkeys(("remove", "removeclip", "delete", "deleteclip"), _remove),
    **dict.fromkeys(("text", "addtext", "title", "addtitle", "overlaytext"), _title),
    **dict.fromkeys(("speed", "setspeed", "changespeed"), _speed),
    **dict.fromkeys(("volume", "setvolume", "gain"), _volume),
    "mute": _mute, "muteclip": _mute, "unmute": _unmute, "unmuteclip": _unmute,
    **dict.fromkeys(("fade", "fadein", "fadeout"), _fade),
    "opacity": _opacity, "setopacity": _opacity, "rotate": _rotate, "rotation": _rotate,
    "scale": _scale, "zoom": _scale,
    "reverse": _reverse, "reverseclip": _reverse,
    "addtrack": _track, "removetrack": _untrack, "deletetrack": _untrack,
    "marker": _marker, "addmarker": _marker,
    **dict.fromkeys(("resize", "setresolution", "resolution", "setcanvas"), _resize),
}  # fmt: skip
"""Kind of legacy op → what it means."""
