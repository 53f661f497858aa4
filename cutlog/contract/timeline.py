"""The resolved timeline: a version as everyone but `ops` sees it, flat, complete, without edit history."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cutlog.contract.base import Strict, Wire
from cutlog.contract.ids import Id
from cutlog.contract.media import MediaFacts, MediaKind, Renditions
from cutlog.contract.time import Fps

Color = Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-f]{6}$(?!\n)", description="#rrggbb")]
Side = Annotated[int, msgspec.Meta(ge=16, le=8192, multiple_of=2, description="pixels, even")]
Fit = Literal["contain", "cover", "stretch", "none"]
TrackKind = Literal["video", "audio"]


class Canvas(Strict):
    """The picture that a project makes: pixels, frames per second, and the colour under everything."""

    width: Side = 1920
    height: Side = 1080
    fps: Fps = Fps(30, 1)
    background: Color = "#000000"


class TextStyle(Strict):
    """A title. `size` is a fraction of the canvas height; x, y are canvas fractions of the text's centre."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
    font: Annotated[str, msgspec.Meta(max_length=100)] = "sans"
    size: Annotated[float, msgspec.Meta(gt=0, le=2)] = 0.08
    color: Color = "#ffffff"
    align: Literal["left", "center", "right"] = "center"
    x: Annotated[float, msgspec.Meta(ge=-4, le=4)] = 0.5
    y: Annotated[float, msgspec.Meta(ge=-4, le=4)] = 0.5


class MediaSource(Wire, tag_field="type", tag="media"):
    """Frames [start, end) of a source, conformed to the project's rate."""

    media: str
    start: int = msgspec.field(name="in")
    end: int = msgspec.field(name="out")


class ColorSource(Wire, tag_field="type", tag="color"):
    color: str


class TextSource(Wire, tag_field="type", tag="text"):
    text: TextStyle


Source = MediaSource | ColorSource | TextSource


class Clip(Wire):
    """A clip on [at, at + frames) of the timeline."""

    id: Id
    at: int
    frames: int
    source: Source
    enabled: bool = True
    fit: Fit = "contain"
    gain_db: float = 0.0


class Track(Wire):
    """A lane of clips in order of time that never overlap. `hidden` silences the picture, `muted` the sound."""

    id: Id
    kind: TrackKind
    name: str = ""
    hidden: bool = False
    muted: bool = False
    locked: bool = False
    gain_db: float = 0.0
    clips: tuple[Clip, ...] = ()


class MediaRef(Wire):
    """A source that the timeline uses. `status` is `processing` until its renditions exist."""

    id: str
    sha256: str
    kind: MediaKind
    status: Literal["processing", "ready", "failed"]
    facts: MediaFacts
    key: str
    renditions: Renditions = Renditions()


class Timeline(Wire):
    """One version of a project. Tracks stack from the bottom (first) to the top; `duration` is in frames.

    `digest` is the SHA-256 of all that can be seen or heard (canvas, tracks, the content of the media): equal digests
    make equal pictures.
    """

    project_id: str
    tenant: str
    version: int
    canvas: Canvas
    duration: int
    tracks: tuple[Track, ...]
    media: dict[str, MediaRef]
    digest: str
