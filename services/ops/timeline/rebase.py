"""Whether a batch may go on top of versions that its author has not seen. Pure.

A batch touches values: fields of the clips that it names, other parts of the timeline, places where it puts clips. It
collides with a version that made one of them another. What a ripple only moved along is touched by ops that say a
frame of the timeline, and by no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Several
from typing import Final, NamedTuple, assert_never

import msgspec
from msgspec import UNSET

from cutlog.contract import ops as o
from cutlog.contract.base import Wire
from services.ops.edits.apply import apply_all
from services.ops.edits.errors import EditError
from services.ops.edits.history import Earlier
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Sources
from services.ops.timeline.values import ABSENT, Value, part

#: What decides which frames of the timeline a clip shows, and of its source.
FRAMES: Final = ("in", "out", "frames", "speed", "reversed")


class Collision(Wire):
    """A value that the batch touches and that a version it has not seen made another. `pointer` is to the op."""

    pointer: str
    of: str
    id: str
    field: str
    version: int
    detail: str


def against(
    ops: Several[o.Op], base: int, versions: Several[Sequence], sources: Sources, earlier: Earlier
) -> list[Collision]:
    """What stands against putting `ops` on top of `versions`: the first is what their author saw, version `base` of
    the project, and the others are those that were missed, in order. Raises EditError, if they never applied."""
    if found := collisions(ops, base, versions):
        apply_all(versions[0], ops, sources, earlier)
        return found
    try:
        apply_all(versions[-1], ops, sources, earlier)
    except EditError as error:
        apply_all(versions[0], ops, sources, earlier)
        return [Collision(pointer=error.pointer, of="project", id="", field="", version=base + len(versions) - 1,
                          detail=f"It does not apply any more: {error.detail}.")]  # fmt: skip
    return []


class _Touch(NamedTuple):
    """`field` of the thing `of` with an id; a place has the frames that it covers, the others none."""

    of: str
    id: str
    field: str
    frames: tuple[int, int] = (0, 0)


def collisions(ops: Several[o.Op], base: int, versions: Several[Sequence]) -> list[Collision]:
    """The values that `ops` touch and that `versions` after the first made others."""
    found = []
    for index, op in enumerate(ops):
        for touch in dict.fromkeys(_touches(op, versions[0])):
            before = _value(versions[0], touch)
            for number, sequence in enumerate(versions[1:], base + 1):
                if (after := _value(sequence, touch)) != before:
                    found.append(
                        Collision(
                            pointer=f"/ops/{index}",
                            of=touch.of,
                            id=touch.id,
                            field=touch.field,
                            version=number,
                            detail=_sentence(touch, number, after),
                        )
                    )
                    break
    return found


def _sentence(touch: _Touch, version: int, after: Value) -> str:
    if after is ABSENT:
        return f"Version {version} took {touch.of} {touch.id} away."
    match touch:
        case _Touch("place"):
            start, end = touch.frames
            return f"Version {version} changed what is on track {touch.id} at frames {start} to {end}."
        case _Touch(field="timeline"):
            return f"Version {version} changed the timeline."
        case _:
            what = "" if touch.field == "whole" else f" {touch.field} of"
            return f"Version {version} changed{what} {touch.of} {touch.id}."


def _value(sequence: Sequence, touch: _Touch) -> Value:
    if touch.of != "place":
        return part(sequence, touch.of, touch.id, touch.field)
    return _around(sequence, touch.id, *touch.frames)


def _around(sequence: Sequence, track: str, start: int, end: int) -> Value:
    """The clips of a track that cover frames [start, end) or touch them, each with its place."""
    for candidate in sequence.tracks:
        if candidate.id == track:
            found = []
            placed = candidate.lane.after(start - 1)
            while placed is not None and placed.at <= end:
                found.append((placed.piece.id, placed.at, placed.piece.frames))
                placed = candidate.lane.place(placed.rank + 1)
            return found
    return ABSENT


def _given(op: msgspec.Struct, *but: str) -> Iterator[str]:
    """The fields of an op that were given, as they are called in JSON."""
    for field, shown in zip(op.__struct_fields__, op.__struct_encode_fields__, strict=True):
        if field not in but and getattr(op, field) is not UNSET:
            yield shown


def _linked(sequence: Sequence, clip: str) -> tuple[str, ...]:
    return sequence.links.get(clip) or (clip,)


def _clip(clip: str, *fields: str) -> Iterator[_Touch]:
    return (_Touch("clip", clip, field) for field in fields)


def _clips(clips: Several[str], *fields: str) -> Iterator[_Touch]:
    return (_Touch("clip", clip, field) for clip in clips for field in fields)


def _place(track: str | None, at: int, frames: int, mode: str) -> Iterator[_Touch]:
    """Where a clip is put: insert cuts at a frame, overwrite takes a stretch away; place only asks for room."""
    if track is not None and mode != "place":
        yield _Touch("place", track, "place", (at, at + frames if mode == "overwrite" else at))


def _frames(base: Sequence, clip: str) -> int:
    frames = part(base, "clip", clip, "frames")
    return frames if isinstance(frames, int) else 0


def _on(base: Sequence, clip: str) -> str | None:
    track = part(base, "clip", clip, "track")
    return track if isinstance(track, str) else None


def _touches(op: o.Op, base: Sequence) -> Iterator[_Touch]:
    """What an op touches, as its author saw the timeline."""
    match op:
        case o.ProjectConfigure():
            yield from (_Touch("project", "", field) for field in _given(op))
        case o.TrackAdd():
            pass
        case o.TrackRemove():
            yield _Touch("track", op.track, "whole")
        case o.TrackMove():
            yield _Touch("track", op.track, "index")
        case o.TrackSet():
            yield from (_Touch("track", op.track, field) for field in _given(op, "track"))
        case o.ClipAdd():
            frames = op.frames if op.frames is not UNSET else 0
            if op.start is not UNSET and op.end is not UNSET:
                frames = op.end - op.start
            yield from _place(op.track, op.at, frames, op.mode)
        case o.ClipPaste():
            pass
        case o.ClipRemove():
            yield from _clips(_linked(base, op.clip), "whole")
        case o.ClipMove():
            yield from _clips(_linked(base, op.clip), "at")
            yield from _clip(op.clip, "track")
            track = op.track if op.track is not UNSET else _on(base, op.clip)
            yield from _place(track, op.at, _frames(base, op.clip), op.mode)
        case o.ClipTrim():
            ends = [end for end, given in (("in", op.start), ("out", op.end)) if given is not UNSET]
            yield from _clips(_linked(base, op.clip), *ends, "speed", "reversed")
        case o.ClipSplit():
            yield from _clip(op.clip, "at", *FRAMES)
        case o.ClipSlip():
            yield from _clip(op.clip, "in", "out")
        case o.ClipSlide():
            at = part(base, "clip", op.clip, "at")
            yield from _clip(op.clip, "at", "frames")
            if isinstance(at, int):
                yield from _place(_on(base, op.clip), at, _frames(base, op.clip), "overwrite")
        case o.ClipRoll():
            yield from _clip(op.left, "out", "frames")
            yield from _clip(op.right, "in", "frames")
        case o.ClipSpeed():
            yield from _clip(op.clip, *FRAMES)
        case o.ClipReverse():
            yield from _clip(op.clip, "reversed")
        case o.ClipFreeze():
            yield from _clip(op.clip, "at", *FRAMES)
        case o.ClipDetachAudio():
            yield from _clip(op.clip, "at", "silent", *FRAMES)
        case o.ClipReplace():
            yield from _clip(op.clip, "source", "frames", "speed")
        case o.ClipSet():
            yield from _clip(op.clip, *_given(op, "clip"))
        case o.ClipLink() | o.ClipUnlink():
            yield from _clips(op.clips, "link")
        case o.TextSet():
            yield from _clip(op.clip, *(f"text.{field}" for field in _given(op, "clip")))
        case o.EffectAdd():
            yield from _clip(op.clip, "there")
        case o.EffectSet():
            yield from _clip(op.clip, *(f"effects.{op.effect}.{name}" for name in op.params))
        case o.EffectMove():
            yield from _clip(op.clip, "effects")
        case o.EffectRemove():
            yield from _clip(op.clip, f"effects.{op.effect}")
        case o.TransitionAdd():
            yield from _clip(op.left, "transition", "out")
            yield from _clip(op.right, "in")
        case o.TransitionSet():
            yield from (_Touch("transition", op.transition, field) for field in _given(op, "transition"))
        case o.TransitionRemove():
            yield _Touch("transition", op.transition, "whole")
        case o.CaptionsAdd() | o.CaptionsImport() | o.MarkerAdd():
            pass
        case o.CaptionSet():
            yield from (_Touch("caption", op.caption, field) for field in _given(op, "caption"))
        case o.CaptionRemove():
            yield _Touch("caption", op.caption, "whole")
        case o.MarkerMove():
            yield from (_Touch("marker", op.marker, field) for field in _given(op, "marker"))
        case o.MarkerRemove():
            yield _Touch("marker", op.marker, "whole")
        case o.HistoryRevert():
            yield _Touch("project", "", "timeline")
        case _:
            assert_never(op)
