"""Ops on clips: where they stand, what of their source they show, how they look and sound."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.base import Strict
from cutlog.contract.effects import EFFECTS
from cutlog.contract.ids import Id
from cutlog.contract.limits import MAX_EFFECTS, At, By, Fade, Gain, Length, SourceFrame
from cutlog.contract.properties import Animated, Keyframes
from cutlog.contract.timeline import (
    Blend,
    Box,
    ClipStreams,
    Color,
    Crop,
    Fit,
    Font,
    FontWeight,
    LineWidth,
    Pitch,
    Place,
    Shadow,
    Stroke,
    TextFit,
    TextStyle,
    Words,
)

Mode = Literal["place", "insert", "overwrite"]
Ripple = bool | Literal["all"]

Scale = Annotated[float, msgspec.Meta(ge=0, le=100)] | Keyframes
Degrees = Annotated[float, msgspec.Meta(ge=-36_000, le=36_000, description="degrees, clockwise")] | Keyframes
Opacity = Annotated[float, msgspec.Meta(ge=0, le=1)] | Keyframes
Level = Gain | Keyframes
Pan = Annotated[float, msgspec.Meta(ge=-1, le=1, description="-1 left, 1 right")] | Keyframes
EffectName = Annotated[str, msgspec.Meta(max_length=40, extra_json_schema={"enum": sorted(EFFECTS)})]
Params = Annotated[dict[str, Animated | str], msgspec.Meta(max_length=20)]
Rate = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class ClipProperties(Strict):
    """The properties that `clip.set` changes."""

    enabled: bool | UnsetType = UNSET
    fit: Fit | UnsetType = UNSET
    x: Place | UnsetType = UNSET
    y: Place | UnsetType = UNSET
    scale: Scale | UnsetType = UNSET
    rotation: Degrees | UnsetType = UNSET
    opacity: Opacity | UnsetType = UNSET
    crop: Crop | UnsetType | None = UNSET
    flip_h: bool | UnsetType = UNSET
    flip_v: bool | UnsetType = UNSET
    gain_db: Level | UnsetType = UNSET
    pan: Pan | UnsetType = UNSET
    fade_in: Fade | UnsetType = UNSET
    fade_out: Fade | UnsetType = UNSET
    audio_fade_in: Fade | UnsetType = UNSET
    audio_fade_out: Fade | UnsetType = UNSET
    blend: Blend | UnsetType = UNSET


class ClipAdd(Strict, tag_field="op", tag="clip.add"):
    """Adds a clip to a track: `media` with `in` and `out`, or `text` or `color` with `frames`.

    `stream` names streams of the media's file by their `index` (see `facts.streams`), as for another language.

    `split` names the right part of a clip that `insert` or `overwrite` cuts in two; by default `<its id>-<clip>`.
    """

    clip: Id
    track: Id
    at: At
    media: Id | UnsetType = UNSET
    start: SourceFrame | UnsetType = msgspec.field(name="in", default=UNSET)
    end: SourceFrame | UnsetType = msgspec.field(name="out", default=UNSET)
    stream: ClipStreams | UnsetType = UNSET
    text: TextStyle | UnsetType = UNSET
    color: Color | UnsetType = UNSET
    frames: Length | UnsetType = UNSET
    mode: Mode = "place"
    split: Id | UnsetType = UNSET
    properties: ClipProperties | UnsetType = UNSET


class PastedSpeed(Strict):
    """How fast a pasted clip runs: num / den source frames per frame. `phase`, below `den`, is what remained of a
    source frame where a split cut it."""

    num: Rate
    den: Rate
    pitch: Pitch = "keep"
    phase: Annotated[int, msgspec.Meta(ge=0, lt=100_000)] = 0


class PastedEffect(Strict):
    """An effect of a pasted clip. Parameters that are not given have their defaults."""

    id: Id
    kind: EffectName
    params: Params = msgspec.field(default_factory=dict)


class ClipPaste(Strict, tag_field="op", tag="clip.paste"):
    """Pastes a clip with all its properties, in the form in which a timeline shows it: `media` with `in` and `out`, or
    with `freeze`, the frame to hold; or `text`, or `color`. It is `frames` long.

    Use it to copy clips, also from other projects, and to import them. Transitions and links have their own ops.
    """

    clip: Id
    track: Id
    at: At
    frames: Length
    media: Id | UnsetType = UNSET
    start: SourceFrame | UnsetType = msgspec.field(name="in", default=UNSET)
    end: SourceFrame | UnsetType = msgspec.field(name="out", default=UNSET)
    freeze: SourceFrame | UnsetType = UNSET
    stream: ClipStreams | UnsetType = UNSET
    text: TextStyle | UnsetType = UNSET
    color: Color | UnsetType = UNSET
    speed: PastedSpeed | UnsetType = UNSET
    reversed: bool = False
    silent: bool = False
    head_cut: Fade = 0
    tail_cut: Fade = 0
    effects: Annotated[tuple[PastedEffect, ...], msgspec.Meta(max_length=MAX_EFFECTS)] = ()
    properties: ClipProperties | UnsetType = UNSET


class ClipRemove(Strict, tag_field="op", tag="clip.remove"):
    """Removes a clip and those linked to it; with `ripple` later clips of the track, or of all unlocked tracks, close
    the gap."""

    clip: Id
    ripple: Ripple = False


class ClipMove(Strict, tag_field="op", tag="clip.move"):
    """Moves a clip and leaves a gap at its old place; `mode` is that of `clip.add`. Linked clips move by the same
    distance, each on its own track."""

    clip: Id
    at: At
    track: Id | UnsetType = UNSET
    mode: Mode = "place"
    split: Id | UnsetType = UNSET


class ClipTrim(Strict, tag_field="op", tag="clip.trim"):
    """Changes where a clip starts and ends in its source. Text, colours and frozen frames count `in` and `out` from the
    clip's start.

    Trimming the head moves the clip's start by as much, unless `ripple`, which keeps it and moves all later clips. The
    head of a reversed clip is its `out`. Linked clips lose or gain as many frames at the same ends.
    """

    clip: Id
    start: SourceFrame | UnsetType = msgspec.field(name="in", default=UNSET)
    end: SourceFrame | UnsetType = msgspec.field(name="out", default=UNSET)
    ripple: Ripple = False


class ClipSplit(Strict, tag_field="op", tag="clip.split"):
    """Cuts a clip in two at a frame of the timeline; `new` is the right part. Links stay with the left part."""

    clip: Id
    at: At
    new: Id


class ClipSlip(Strict, tag_field="op", tag="clip.slip"):
    """Shows source frames `by` frames later, at the same place in the timeline. Keyframes do not move."""

    clip: Id
    by: By


class ClipSlide(Strict, tag_field="op", tag="clip.slide"):
    """Moves a clip by `by` frames between its two adjacent clips, which become longer and shorter. The duration of the
    timeline does not change."""

    clip: Id
    by: By


class ClipRoll(Strict, tag_field="op", tag="clip.roll"):
    """Moves the cut between two adjacent clips by `by` frames. The duration of the timeline does not change."""

    left: Id
    right: Id
    by: By


class ClipSpeed(Strict, tag_field="op", tag="clip.speed"):
    """Plays num / den source frames per frame; the clip's length becomes ceil(source frames × den / num).

    Its k-th frame shows source frame in + floor(k × num / den); reversed, out - 1 - that. Keyframes keep to what they
    stood on; fades keep their length. `pitch`: the sound keeps its pitch, or it varies with the speed.
    """

    clip: Id
    num: Rate
    den: Rate
    pitch: Pitch = "keep"
    ripple: Ripple = False


class ClipReverse(Strict, tag_field="op", tag="clip.reverse"):
    """Reverses a clip, or plays it forwards again. Its length and keyframes do not change."""

    clip: Id
    reversed: bool


class ClipFreeze(Strict, tag_field="op", tag="clip.freeze"):
    """Splits a clip at `at`; between the parts, `clip` and `right`, it inserts `new`, which holds the frame at `at`.

    Later clips of the track move right by `frames`.
    """

    clip: Id
    at: At
    frames: Length
    new: Id
    right: Id


class ClipDetachAudio(Strict, tag_field="op", tag="clip.detachAudio"):
    """Detaches the audio of a clip as a separate, linked clip at the same place on an audio track, together with its
    gain, pan, fades and audio effects."""

    clip: Id
    new: Id
    track: Id


class ClipReplace(Strict, tag_field="op", tag="clip.replace"):
    """Replaces the source of a clip, starting at `in`, and keeps its place, length, speed and properties; or selects
    other streams of the same source."""

    clip: Id
    media: Id
    start: SourceFrame = msgspec.field(name="in")
    stream: ClipStreams | UnsetType = UNSET


class ClipSet(ClipProperties, kw_only=True, tag_field="op", tag="clip.set"):
    """Changes properties of a clip. `x`, `y` are canvas fractions of its centre; `crop` null removes the crop."""

    clip: Id


class ClipLink(Strict, tag_field="op", tag="clip.link"):
    """Links clips: linked clips are moved, trimmed and removed together. They leave their previous links."""

    clips: Annotated[tuple[Id, ...], msgspec.Meta(min_length=2, max_length=100)]


class ClipUnlink(Strict, tag_field="op", tag="clip.unlink"):
    """Removes clips from their links. A link with a single remaining clip is dissolved."""

    clips: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=100)]


class TextSet(Strict, tag_field="op", tag="text.set"):
    """Changes a text clip. `stroke`, `shadow` and `box` are removed by null."""

    clip: Id
    text: Words | UnsetType = UNSET
    font: Font | UnsetType = UNSET
    size: Annotated[float, msgspec.Meta(gt=0, le=2)] | UnsetType = UNSET
    color: Color | UnsetType = UNSET
    align: Literal["left", "center", "right"] | UnsetType = UNSET
    x: Place | UnsetType = UNSET
    y: Place | UnsetType = UNSET
    stroke: Stroke | UnsetType | None = UNSET
    shadow: Shadow | UnsetType | None = UNSET
    box: Box | UnsetType | None = UNSET
    fit: TextFit | UnsetType = UNSET
    max_width: LineWidth | UnsetType = UNSET
    weight: FontWeight | UnsetType = UNSET


ClipOp = (
    ClipAdd | ClipPaste | ClipRemove | ClipMove | ClipTrim | ClipSplit | ClipSlip | ClipSlide | ClipRoll | ClipSpeed
    | ClipReverse | ClipFreeze | ClipDetachAudio | ClipReplace | ClipSet | ClipLink | ClipUnlink | TextSet
)  # fmt: skip
