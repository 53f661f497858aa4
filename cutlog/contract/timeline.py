"""The resolved timeline: a version as all services but ops see it, flat and complete, without edit history."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.base import Strict, Wire
from cutlog.contract.fonts import BUILT_IN
from cutlog.contract.ids import ID_PATTERN, Id
from cutlog.contract.limits import NO_NUL
from cutlog.contract.media import MediaFacts, MediaKind, Renditions
from cutlog.contract.properties import Animated, Keyframes
from cutlog.contract.time import Fps

Color = Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-f]{6}$(?!\n)", description="#rrggbb")]
Side = Annotated[int, msgspec.Meta(ge=16, le=8192, multiple_of=2, description="pixels, even")]
Fit = Literal["contain", "cover", "stretch", "none"]
TrackKind = Literal["video", "audio"]
Blend = Literal["normal", "multiply", "screen", "overlay", "add"]
CaptionMode = Literal["burn", "sidecar"]
Font = Annotated[
    str,
    msgspec.Meta(pattern=ID_PATTERN, description=f"{', '.join(BUILT_IN)}, or the id of a font among the media"),
]
FontWeight = Annotated[int, msgspec.Meta(ge=1, le=1000, description="400 is regular, 700 bold")]
TextFit = Literal["none", "shrink", "wrap", "ellipsis"]
Pitch = Literal["keep", "vary"]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000, pattern=NO_NUL)]
StreamIndex = Annotated[int, msgspec.Meta(ge=0, lt=1_000, description="index of a stream in its file")]
Place = Annotated[float, msgspec.Meta(ge=-4, le=4, description="fraction of the canvas")] | Keyframes
Part = Annotated[float, msgspec.Meta(ge=0, le=1, description="fraction of the canvas height")]
LineWidth = Annotated[float, msgspec.Meta(gt=0, le=4, description="fraction of the canvas width")]
Shift = Annotated[float, msgspec.Meta(ge=-1, le=1, description="fraction of the canvas height")]


class Canvas(Strict):
    """The frame of a project: its size in pixels, frames per second, and background colour."""

    width: Side = 1920
    height: Side = 1080
    fps: Fps = Fps(30, 1)
    background: Color = "#000000"


class Stroke(Strict):
    """An outline around the letters."""

    color: Color = "#000000"
    width: Part = 0.005


class Shadow(Strict):
    """A shadow of the text, offset by x, y."""

    color: Color = "#000000"
    x: Shift = 0.005
    y: Shift = 0.005
    blur: Part = 0.0


class Box(Strict):
    """A box behind the text, larger than it by `padding` on every side."""

    color: Color = "#000000"
    padding: Part = 0.01


class TextStyle(Strict):
    """A title. `size` is a fraction of the canvas height; x, y are canvas fractions of the text's centre.

    `fit` says what happens to a line that is wider than `max_width` (0.9 if unset): nothing (`none`, the default),
    smaller letters, more lines (broken by the rules of each script), or an ellipsis at its end.

    What `font` lacks comes from the fonts that are shipped. `weight` is for fonts that have several: a variable one, or
    a collection, of whose first family the face with the nearest weight is taken; the font's own if unset.
    """

    text: Words
    font: Font = "sans"
    size: Annotated[float, msgspec.Meta(gt=0, le=2)] = 0.08
    color: Color = "#ffffff"
    align: Literal["left", "center", "right"] = "center"
    x: Place = 0.5
    y: Place = 0.5
    stroke: Stroke | None = None
    shadow: Shadow | None = None
    box: Box | None = None
    fit: TextFit | UnsetType = UNSET
    max_width: LineWidth | UnsetType = UNSET
    weight: FontWeight | UnsetType = UNSET


class ClipStreams(Strict):
    """The video and audio streams that a clip uses, by their `index` in the file. Default: the `chosen` ones."""

    video: StreamIndex | UnsetType = UNSET
    audio: StreamIndex | UnsetType = UNSET


class MediaSource(Wire, tag_field="type", tag="media"):
    """Frames [start, end) of a source, conformed to the project's rate."""

    media: str
    start: int = msgspec.field(name="in")
    end: int = msgspec.field(name="out")
    stream: ClipStreams | UnsetType = UNSET


class ColorSource(Wire, tag_field="type", tag="color"):
    color: str


class TextSource(Wire, tag_field="type", tag="text"):
    text: TextStyle


class FreezeSource(Wire, tag_field="type", tag="freeze"):
    """A freeze frame: one frame of a source, conformed to the project's rate, without audio."""

    media: str
    frame: int
    stream: ClipStreams | UnsetType = UNSET


Source = MediaSource | ColorSource | TextSource | FreezeSource


class Speed(Wire):
    """How fast a clip runs: num / den source frames per frame. `phase`, below `den`, is the part of a source frame
    that is left over where a split cut it: see `frame_shown`."""

    num: int
    den: int
    pitch: Pitch = "keep"
    phase: int = 0


class Crop(Strict):
    """How much is cropped from each edge, as fractions of the source's width and height."""

    left: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    top: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    right: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    bottom: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0


class Effect(Wire):
    """An effect of a clip, with all parameters of its kind (`cutlog.contract.effects`)."""

    id: Id
    kind: str
    params: dict[str, Animated | str]


class Transition(Wire):
    """Between two adjacent clips, over [cut - floor(frames / 2), cut + ceil(frames / 2)), from their handles."""

    id: Id
    left: Id
    right: Id
    kind: str
    frames: int


class Caption(Wire):
    """Words on frames [start, end) of the timeline; captions of a track may overlap."""

    id: Id
    start: int
    end: int
    text: str


class Marker(Wire):
    """A note at a frame of the timeline."""

    id: Id
    at: int
    label: str = ""
    color: str = "#ffcc00"


class ClipContent(Wire, kw_only=False):
    """A clip apart from its position: `frames` long on the timeline.

    `x`, `y` place its centre, `rotation` is in degrees clockwise, `pan` goes from -1, left, to 1. The audio of a
    `silent` clip was detached. The fades in begin `head_cut` frames before the clip and the fades out end `tail_cut`
    frames after it: so much was cut off by splits.
    """

    id: Id
    frames: int
    source: Source
    enabled: bool = True
    fit: Fit = "contain"
    gain_db: Animated = 0.0
    x: Animated = 0.5
    y: Animated = 0.5
    scale: Animated = 1.0
    rotation: Animated = 0.0
    opacity: Animated = 1.0
    pan: Animated = 0.0
    crop: Crop | None = None
    flip_h: bool = False
    flip_v: bool = False
    fade_in: int = 0
    fade_out: int = 0
    audio_fade_in: int = 0
    audio_fade_out: int = 0
    head_cut: int = 0
    tail_cut: int = 0
    blend: Blend = "normal"
    effects: tuple[Effect, ...] = ()
    speed: Speed | None = None
    reversed: bool = False
    silent: bool = False


class Clip(ClipContent, kw_only=True):
    """A clip on [at, at + frames) of the timeline. Clips of the same `link` are moved, trimmed and removed together."""

    at: int
    link: str | None = None


def frame_shown(source: MediaSource, speed: Speed | None, is_reversed: bool, frame: int) -> int:
    """The source frame that frame `frame` of a clip shows: in + floor((frame × num + phase) / den); reversed,
    out - 1 - that. Frames outside of the clip give its handles."""
    step = frame if speed is None else (frame * speed.num + speed.phase) // speed.den
    return source.end - 1 - step if is_reversed else source.start + step


class Track(Wire):
    """A lane of clips in order of time that never overlap. `hidden` turns off its video, `muted` its audio.

    Captions are in order of their start: burned into the video, in `caption_font` if it is set, or in separate files.
    """

    id: Id
    kind: TrackKind
    name: str = ""
    hidden: bool = False
    muted: bool = False
    locked: bool = False
    gain_db: float = 0.0
    clips: tuple[Clip, ...] = ()
    transitions: tuple[Transition, ...] = ()
    captions: tuple[Caption, ...] = ()
    caption_mode: CaptionMode = "burn"
    caption_font: str | UnsetType = UNSET


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

    `digest` is the SHA-256 of everything visible or audible (canvas, tracks, the content of the media): equal digests
    give equal frames.
    """

    project_id: str
    tenant: str
    version: int
    canvas: Canvas
    duration: int
    tracks: tuple[Track, ...]
    media: dict[str, MediaRef]
    digest: str
    markers: tuple[Marker, ...] = ()
