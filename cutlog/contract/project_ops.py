"""Ops on the project, its tracks and markers."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.base import Strict
from cutlog.contract.ids import Id
from cutlog.contract.limits import MAX_UNDONE, NO_NUL, At, Gain, Index, Name, TrackName
from cutlog.contract.time import Fps
from cutlog.contract.timeline import CaptionMode, Color, Font, Side, TrackKind

Undone = Annotated[
    tuple[Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)], ...], msgspec.Meta(min_length=1, max_length=MAX_UNDONE)
]
Label = Annotated[str, msgspec.Meta(max_length=1_000, pattern=NO_NUL)]


class ProjectConfigure(Strict, tag_field="op", tag="project.configure"):
    """Changes the canvas, the rate or the name of the project; `fps` only while it has no clips."""

    width: Side | UnsetType = UNSET
    height: Side | UnsetType = UNSET
    fps: Fps | UnsetType = UNSET
    background: Color | UnsetType = UNSET
    name: Name | UnsetType = UNSET


class TrackAdd(Strict, tag_field="op", tag="track.add"):
    """Adds a track at `index` from the bottom, by default on top of all others."""

    track: Id
    kind: TrackKind
    index: Index | UnsetType = UNSET


class TrackRemove(Strict, tag_field="op", tag="track.remove"):
    """Removes a track with its clips, transitions and captions."""

    track: Id


class TrackMove(Strict, tag_field="op", tag="track.move"):
    """Moves a track to `index` from the bottom among the other tracks."""

    track: Id
    index: Index


class TrackSet(Strict, tag_field="op", tag="track.set"):
    """Changes properties of a track, locked or not. `captions`: burned into the picture, or as a track of text in
    proxies and in MP4, ProRes and WebM exports, which a player shows or not; either way they are a file too
    (docs/INTERCHANGE.md). `captionFont`: what burned captions are drawn with, as the `font` of a text."""

    track: Id
    name: TrackName | UnsetType = UNSET
    muted: bool | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    gain_db: Gain | UnsetType = UNSET
    captions: CaptionMode | UnsetType = UNSET
    caption_font: Font | UnsetType = UNSET


class MarkerAdd(Strict, tag_field="op", tag="marker.add"):
    """Adds a marker at a frame of the timeline. Markers do not move when clips ripple."""

    marker: Id
    at: At
    label: Label = ""
    color: Color = "#ffcc00"


class MarkerMove(Strict, tag_field="op", tag="marker.move"):
    """Moves a marker, or changes its label or colour."""

    marker: Id
    at: At | UnsetType = UNSET
    label: Label | UnsetType = UNSET
    color: Color | UnsetType = UNSET


class MarkerRemove(Strict, tag_field="op", tag="marker.remove"):
    """Removes a marker."""

    marker: Id


class HistoryRevert(Strict, tag_field="op", tag="history.revert"):
    """Reverts to the timeline of an earlier version. Ids used since then stay taken; the name does not change."""

    to_version: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class HistoryUndo(Strict, tag_field="op", tag="history.undo"):
    """Takes back what versions did and keeps what others did since. It is refused when later versions changed the same.

    The project's name stays, and so do ids that were used. What an undo did can be undone: that is a redo.
    """

    versions: Undone


ProjectOp = (
    ProjectConfigure | TrackAdd | TrackRemove | TrackMove | TrackSet | MarkerAdd | MarkerMove | MarkerRemove
    | HistoryRevert | HistoryUndo
)  # fmt: skip
