"""The edit language: what a client may do to a project. One struct per op, told apart by `op`.

Ids are the client's own and unique in a project for ever. `at` is a frame of the timeline; `in` and `out` are frames
of the source conformed to the project's rate, half-open. A property that was not given is `UNSET`: it stays as it is.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.base import Strict
from cutlog.contract.ids import Id
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Color, Fit, Side, TextStyle, TrackKind

#: A project ends before this frame: more than a day at 100 frames per second.
MAX_FRAMES: Final = 10_000_000
MAX_TRACKS: Final = 200
MAX_CLIPS: Final = 100_000
MAX_OPS: Final = 1_000

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
At = Annotated[int, msgspec.Meta(ge=0, lt=MAX_FRAMES, description="frame of the timeline")]
Length = Annotated[int, msgspec.Meta(ge=1, le=MAX_FRAMES, description="frames")]
SourceFrame = Annotated[int, msgspec.Meta(ge=0, le=MAX_FRAMES, description="frame of the conformed source")]
Index = Annotated[int, msgspec.Meta(ge=0, lt=MAX_TRACKS, description="0 is the bottom")]
Gain = Annotated[float, msgspec.Meta(ge=-120, le=40, description="dB")]

Mode = Literal["place", "insert", "overwrite"]
Ripple = bool | Literal["all"]


class ProjectConfigure(Strict, tag_field="op", tag="project.configure"):
    """Changes what the project is. `fps` only while it has no clips."""

    width: Side | UnsetType = UNSET
    height: Side | UnsetType = UNSET
    fps: Fps | UnsetType = UNSET
    background: Color | UnsetType = UNSET
    name: Name | UnsetType = UNSET


class TrackAdd(Strict, tag_field="op", tag="track.add"):
    """Adds a track at `index` from the bottom; on top of all others if it is not given."""

    track: Id
    kind: TrackKind
    index: Index | UnsetType = UNSET


class TrackRemove(Strict, tag_field="op", tag="track.remove"):
    """Removes a track with its clips."""

    track: Id


class TrackMove(Strict, tag_field="op", tag="track.move"):
    """Puts a track at `index`, counted from the bottom when it has been taken out."""

    track: Id
    index: Index


class TrackSet(Strict, tag_field="op", tag="track.set"):
    """Changes properties of a track, locked or not."""

    track: Id
    name: Annotated[str, msgspec.Meta(max_length=200)] | UnsetType = UNSET
    muted: bool | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    gain_db: Gain | UnsetType = UNSET


class ClipProperties(Strict):
    """What `clip.set` may change, for a clip that is being added."""

    enabled: bool | UnsetType = UNSET
    fit: Fit | UnsetType = UNSET
    gain_db: Gain | UnsetType = UNSET


class ClipAdd(Strict, tag_field="op", tag="clip.add"):
    """Puts a new clip on a track: `media` with `in` and `out`, or `text` or `color` with `frames`.

    `split` names the right part of a clip that `insert` or `overwrite` cuts in two; by default `<its id>-<clip>`.
    """

    clip: Id
    track: Id
    at: At
    media: Id | UnsetType = UNSET
    start: SourceFrame | UnsetType = msgspec.field(name="in", default=UNSET)
    end: SourceFrame | UnsetType = msgspec.field(name="out", default=UNSET)
    text: TextStyle | UnsetType = UNSET
    color: Color | UnsetType = UNSET
    frames: Length | UnsetType = UNSET
    mode: Mode = "place"
    split: Id | UnsetType = UNSET
    properties: ClipProperties | UnsetType = UNSET


class ClipRemove(Strict, tag_field="op", tag="clip.remove"):
    """Removes a clip; with `ripple` later clips of the track, or of all unlocked tracks, close the gap."""

    clip: Id
    ripple: Ripple = False


class ClipMove(Strict, tag_field="op", tag="clip.move"):
    """Takes a clip from its place, which stays empty, and puts it down again as `clip.add` would."""

    clip: Id
    at: At
    track: Id | UnsetType = UNSET
    mode: Mode = "place"
    split: Id | UnsetType = UNSET


class ClipTrim(Strict, tag_field="op", tag="clip.trim"):
    """Changes where a clip begins and ends in its source. Text and colour count `in` and `out` from the clip's start.

    Trimming the head moves the clip's start by as much, unless `ripple`, which keeps it and moves all later clips.
    """

    clip: Id
    start: SourceFrame | UnsetType = msgspec.field(name="in", default=UNSET)
    end: SourceFrame | UnsetType = msgspec.field(name="out", default=UNSET)
    ripple: Ripple = False


class ClipSplit(Strict, tag_field="op", tag="clip.split"):
    """Cuts a clip in two at a frame of the timeline; `new` is the right part."""

    clip: Id
    at: At
    new: Id


class ClipSet(Strict, tag_field="op", tag="clip.set"):
    """Changes properties of a clip."""

    clip: Id
    enabled: bool | UnsetType = UNSET
    fit: Fit | UnsetType = UNSET
    gain_db: Gain | UnsetType = UNSET


class TextSet(Strict, tag_field="op", tag="text.set"):
    """Changes a text clip."""

    clip: Id
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)] | UnsetType = UNSET
    font: Annotated[str, msgspec.Meta(max_length=100)] | UnsetType = UNSET
    size: Annotated[float, msgspec.Meta(gt=0, le=2)] | UnsetType = UNSET
    color: Color | UnsetType = UNSET
    align: Literal["left", "center", "right"] | UnsetType = UNSET
    x: Annotated[float, msgspec.Meta(ge=-4, le=4)] | UnsetType = UNSET
    y: Annotated[float, msgspec.Meta(ge=-4, le=4)] | UnsetType = UNSET


Op = (
    ProjectConfigure | TrackAdd | TrackRemove | TrackMove | TrackSet
    | ClipAdd | ClipRemove | ClipMove | ClipTrim | ClipSplit | ClipSet | TextSet
)  # fmt: skip
Ops = Annotated[tuple[Op, ...], msgspec.Meta(min_length=1, max_length=MAX_OPS)]
