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
    """What `clip.set` may change."""

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
    """Puts a new clip on a track: `media` with `in` and `out`, or `text` or `color` with `frames`.

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
    """Puts down a clip with all that edits made of it, as a timeline shows it: `media` with `in` and `out`, or with
    `freeze`, the frame to hold; or `text`, or `color`. It is `frames` long.

    To copy clips, from other projects too, and to import them. Transitions and links have ops of their own.
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
    """Takes a clip from its place, which stays empty, and puts it down again as `clip.add` would. Linked clips move as
    far, each on its own track."""

    clip: Id
    at: At
    track: Id | UnsetType = UNSET
    mode: Mode = "place"
    split: Id | UnsetType = UNSET


class ClipTrim(Strict, tag_field="op", tag="clip.trim"):
    """Changes where a clip begins and ends in its source. Text, colours and frozen frames count `in` and `out` from the
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
    """Shows other frames of the source, `by` later ones, at the same place. Keyframes stay where they are."""

    clip: Id
    by: By


class ClipSlide(Strict, tag_field="op", tag="clip.slide"):
    """Moves a clip `by` frames between the two clips that touch it, which give and take. The duration stays."""

    clip: Id
    by: By


class ClipRoll(Strict, tag_field="op", tag="clip.roll"):
    """Moves the cut between two adjacent clips `by` frames. The duration stays."""

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
    """Plays a clip backwards, or forwards again. Its length stays, and so do its keyframes."""

    clip: Id
    reversed: bool


class ClipFreeze(Strict, tag_field="op", tag="clip.freeze"):
    """Splits a clip at `at`; between the parts, `clip` and `right`, stands `new`, which holds the frame of `at`.

    Later clips of the track move right by `frames`.
    """

    clip: Id
    at: At
    frames: Length
    new: Id
    right: Id


class ClipDetachAudio(Strict, tag_field="op", tag="clip.detachAudio"):
    """Makes the sound of a clip a clip of its own, linked, at the same place of an audio track. What shaped the sound
    (gain, pan, fades, effects) goes with it."""

    clip: Id
    new: Id
    track: Id


class ClipReplace(Strict, tag_field="op", tag="clip.replace"):
    """Shows another source, from `in` on, with the same place, length, speed and properties; or the same one, but other
    streams of it."""

    clip: Id
    media: Id
    start: SourceFrame = msgspec.field(name="in")
    stream: ClipStreams | UnsetType = UNSET


class ClipSet(ClipProperties, kw_only=True, tag_field="op", tag="clip.set"):
    """Changes properties of a clip. `x`, `y` are canvas fractions of its centre; `crop` null takes the crop away."""

    clip: Id


class ClipLink(Strict, tag_field="op", tag="clip.link"):
    """Links clips: they move, trim and are removed together. They leave the links that they had."""

    clips: Annotated[tuple[Id, ...], msgspec.Meta(min_length=2, max_length=100)]


class ClipUnlink(Strict, tag_field="op", tag="clip.unlink"):
    """Takes clips out of their links. One that is left alone is not linked any more."""

    clips: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=100)]


class TextSet(Strict, tag_field="op", tag="text.set"):
    """Changes a text clip. `stroke`, `shadow` and `box` are taken away by null."""

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
