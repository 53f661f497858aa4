"""Facts about a media file from the probe, and the files derived from it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.base import Wire
from cutlog.contract.time import Fps, frames_in

MediaKind = Literal["video", "audio", "image", "font"]


class Timing(Wire):
    """The timing of the frames of an original; seconds are decimal strings.

    `start`: when its first frame, frame 0, is shown on the file's own clock. `pictures`: on a `grid`, frame n at
    n / fps; each at its `own` time, and so in the edit proxy; or `counted`, one after the other, whatever the file
    says. Decoding has to begin `lead` before what is wanted, at least.
    """

    start: str = "0"
    pictures: Literal["grid", "own", "counted"] = "grid"
    lead: str = "0"


class Stream(Wire):
    """A stream of a file. `kind`: video, audio, subtitle, data or attachment. `index` is its position in the file; a
    clip may name a `usable` one. `chosen`: used by clips that name none. `attached`: cover art."""

    index: int
    kind: str
    codec: str
    language: str | None = None
    default: bool = False
    attached: bool = False
    usable: bool = False
    chosen: bool = False


class FontAxis(Wire):
    """An axis of a variable font, such as `wght`, with its range of values."""

    tag: str
    low: float
    default: float
    high: float


class FontFace(Wire):
    """One of the fonts in a file. `weight` is 1 to 1000, 400 being regular and 700 bold."""

    family: str
    style: str
    weight: int
    italic: bool = False
    axes: tuple[FontAxis, ...] = ()


class FontFacts(Wire):
    """Fonts in a file: several in a collection. `coverage`: the code points that each of them has, as ranges in
    hexadecimal, such as "20-7e a9"."""

    faces: tuple[FontFace, ...]
    coverage: str


class MediaFacts(Wire):
    """Facts of a source, as probed. Null where they do not apply to the source.

    `width` and `height` are pixels as stored, before `sar` (pixel aspect, [num, den]) and `rotation` (clockwise
    degrees: 0, 90, 180, 270) are applied. `fps` is the nominal rate: of a `vfr` source one that is fast enough to show
    each of its pictures, at most 60; its pictures keep their own times. `frames` counts frames at the nominal rate, to
    the end of the longest stream; pictures are shown until the next one. `duration` and `start_offset` are seconds as
    decimal strings; `start_offset` is how much later (or, if negative, earlier) the sound starts than the picture.
    `hdr`: how brightness is coded (PQ or HLG of BT.2100) where it goes beyond the ordinary. `interlaced`: the field
    that is shown first, where a frame is two; fields become pictures of their own, twice `fps` a second. `timing` is
    absent where the source was examined before it was noted: then a `vfr` source is conformed to `fps`.
    `gain_map`: a photograph has a map by which displays of high dynamic range brighten it; it is ignored. `streams`:
    all of the file's; absent where it was examined before they were noted. `alpha`: its pictures are transparent
    somewhere. `matte`: as the file says, alpha was multiplied into their colours over that one; else they are straight.
    `font`: what a font has; it has nothing else but a `container`, which is ttf, otf, ttc, woff or woff2.
    """

    container: str
    duration: str
    width: int | None = None
    height: int | None = None
    sar: tuple[int, int] | None = None
    rotation: int = 0
    fps: Fps | None = None
    vfr: bool = False
    frames: int | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    channels: int | None = None
    sample_rate: int | None = None
    start_offset: str = "0"
    hdr: Literal["pq", "hlg"] | None = None
    interlaced: Literal["top", "bottom"] | UnsetType = UNSET
    timing: Timing | UnsetType = UNSET
    gain_map: bool | UnsetType = UNSET
    streams: tuple[Stream, ...] | UnsetType = UNSET
    alpha: bool | UnsetType = UNSET
    matte: Literal["black", "white"] | UnsetType = UNSET
    font: FontFacts | UnsetType = UNSET

    def __post_init__(self) -> None:
        # An empty list, which is how protobuf says that there is none.
        if self.streams == ():
            msgspec.structs.force_setattr(self, "streams", UNSET)


class Rendition(Wire):
    """A file derived from a source. `size` in bytes; `frames` of its video, `samples` of its audio."""

    key: str
    size: int
    sha256: str
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    samples: int | None = None


class StreamRenditions(Wire):
    """Files derived from a stream other than the chosen one: the edit proxy of video, or the sound of audio. `facts`
    are those of the file as if this stream were the chosen one. `proxy_alpha` as in Renditions."""

    index: int
    facts: MediaFacts | None = None
    proxy: Rendition | None = None
    audio: Rendition | None = None
    proxy_alpha: Rendition | UnsetType = UNSET


class Renditions(Wire):
    """Files derived at ingest: a 480p edit proxy of video, the sound of audio, a thumbnail, a sprite sheet (`width` and
    `height` of one thumbnail, `frames` of them), the peaks of audio and an image of them. Sound is FLAC in MP4, or PCM
    s16le of releases up to 0.1: 16 bits, 48 kHz, stereo.
    `streams`: for other streams that a clip may name. `proxy_alpha`: for video with transparency, its alpha as a grey
    video, frame for frame that of the edit proxy, which shows the video over black.

    `master`: a picture that ffmpeg does not show as a viewer does, rewritten as PNG, or APNG where it moves; all else
    is made from it. Absent where the original is read. Of a font, what titles are drawn with: OpenType, not packed.
    """

    proxy: Rendition | None = None
    audio: Rendition | None = None
    thumbnail: Rendition | None = None
    sprite: Rendition | None = None
    waveform: Rendition | None = None
    waveform_image: Rendition | None = None
    master: Rendition | UnsetType = UNSET
    streams: tuple[StreamRenditions, ...] | UnsetType = UNSET
    proxy_alpha: Rendition | UnsetType = UNSET

    def __post_init__(self) -> None:
        # An empty list, which is how protobuf says that there is none.
        if self.streams == ():
            msgspec.structs.force_setattr(self, "streams", UNSET)

    def files(self) -> Iterator[tuple[str, Rendition]]:
        """All of them, by name."""
        for name in ("proxy", "audio", "thumbnail", "sprite", "waveform", "waveform_image", "master", "proxy_alpha"):
            if made := getattr(self, name):
                yield name, made
        for stream in self.streams or ():
            for name in ("proxy", "audio", "proxy_alpha"):
                if made := getattr(stream, name):
                    yield f"{name} of stream {stream.index}", made


def nearest(font: FontFacts, weight: int | None) -> int:
    """The face that renders text of a weight: among those of the first one's family and slant, the one with that weight
    or the nearest; of two, the heavier. The first if no weight is named."""
    first = font.faces[0]
    if weight is None:
        return 0

    def far(number: int) -> tuple[int, int]:
        face = font.faces[number]
        low, high = next(
            ((axis.low, axis.high) for axis in face.axes if axis.tag == "wght"), (face.weight, face.weight)
        )
        return (round(max(low - weight, weight - high, 0)), -face.weight)

    alike = [
        number for number, face in enumerate(font.faces) if (face.family, face.italic) == (first.family, first.italic)
    ]
    return min(alike, key=far)


def display_size(facts: MediaFacts) -> tuple[Fraction, Fraction]:
    """Width and height in square pixels as a viewer sees them: pixel aspect widens, rotation swaps."""
    num, den = facts.sar or (1, 1)
    width, height = Fraction((facts.width or 0) * num, den), Fraction(facts.height or 0)
    return (height, width) if facts.rotation % 180 else (width, height)


def picture_rate(facts: MediaFacts) -> Fraction | None:
    """Frames per second of the grid; None where frames keep their own times, or there are none."""
    if facts.fps is None or (facts.timing is not UNSET and facts.timing.pictures == "own"):
        return None
    return facts.fps.fraction * (2 if facts.interlaced else 1)


def conformed_frames(kind: MediaKind, facts: MediaFacts, fps: Fps) -> int | None:
    """The length of a source in frames of a project at `fps`; None for what has no length."""
    match kind:
        case "image" | "font":
            return None
        case "video" if facts.fps is not None and facts.frames is not None:
            return frames_in(facts.frames / facts.fps.fraction, fps.fraction)
        case _:
            return frames_in(Fraction(facts.duration), fps.fraction)
