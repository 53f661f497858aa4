"""A version as segments: each named by the digest of all that its pixels depend on, and of nothing else.

Segments lie on a grid in the frame numbers of the lowest moving source, so an edit that moves film on the timeline
names no segment anew, and a trim only those at the edges that it cuts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Final, NewType, assert_never

import msgspec

from cutlog.contract.media import display_size
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, Fit, MediaRef, TextStyle, Timeline
from services.render.geometry import Placement, Size, place
from services.render.profiles import Profile
from services.render.spans import Footage, Frozen, Layer, Solid, Span, Still, Title, spans
from services.render.support import check_support

#: Changes whenever equal recipes would give other pixels than before: graphs, fonts, colour handling.
REVISION: Final = 1

Digest = NewType("Digest", str)


class MediaNotReadyError(Exception):
    """The timeline uses media that can't be rendered from: it is being processed, or that failed."""


class SourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file to take pictures from. `fps` is None for a still.

    `conformed` is the size of an edit proxy: upright square pixels in BT.709, frame n exactly at n / fps. None for an
    original, of which nothing of that is sure.
    """

    key: str
    sha256: str
    container: str
    fps: Fps | None
    conformed: Size | None


class Shot(msgspec.Struct, frozen=True):
    """Moving pictures, from the conformed frame `start` on."""

    source: SourceFile
    start: int
    placement: Placement


class Picture(msgspec.Struct, frozen=True):
    """A still, or, where `frame` is given, that conformed frame of a moving picture."""

    source: SourceFile
    placement: Placement
    frame: int | None = None


Drawn = Shot | Picture | Solid | Title


class Copied(msgspec.Struct, frozen=True):
    """Frames [first, first + frames) of an edit proxy, as they are: `first` is a key frame."""

    source: SourceFile
    first: int
    frames: int


class Encoded(msgspec.Struct, frozen=True):
    """`frames` frames of `layers`, kept in the cache under `digest`."""

    digest: Digest
    frames: int
    layers: tuple[Drawn, ...]


Segment = Copied | Encoded


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All pictures of a film, in order. `digest` names the whole: equal digests make equal films."""

    profile: str
    size: Size
    fps: Fps
    encoder: tuple[str, ...]
    segments: tuple[Segment, ...]
    digest: Digest

    @property
    def frames(self) -> int:
        return sum(segment.frames for segment in self.segments)

    def encoded(self) -> dict[Digest, Encoded]:
        """The segments that must be in the cache, each once, in order."""
        return {segment.digest: segment for segment in self.segments if isinstance(segment, Encoded)}

    def copied(self) -> dict[str, SourceFile]:
        """The edit proxies that are copied from, by their SHA-256."""
        return {segment.source.sha256: segment.source for segment in self.segments if isinstance(segment, Copied)}


def plan(timeline: Timeline, profile: Profile, engine: str, encode: frozenset[str] = frozenset()) -> Plan:
    """The segments of a version under a profile.

    `engine` is the identity of the ffmpeg build. Nothing is copied from edit proxies whose SHA-256 is in `encode`.
    Raises MediaNotReadyError, UnsupportedError.
    """
    check_support(timeline)
    planner = _Planner(timeline, profile, engine, encode)
    segments = tuple(segment for span in spans(timeline) for segment in planner.cut(span))
    names = [
        segment.digest if isinstance(segment, Encoded) else [segment.source.sha256, segment.first, segment.frames]
        for segment in segments
    ]
    return Plan(
        profile=profile.name,
        size=planner.size,
        fps=timeline.canvas.fps,
        encoder=planner.encoder,
        segments=segments,
        digest=_digest([planner.context, names]),
    )


class _Planner:
    def __init__(self, timeline: Timeline, profile: Profile, engine: str, encode: frozenset[str]) -> None:
        self.canvas: Canvas = timeline.canvas
        self.rate = timeline.canvas.fps.fraction
        self.media = timeline.media
        self.profile = profile
        self.encode = encode
        self.size = profile.size(timeline.canvas)
        self.encoder = profile.encoder(self.rate)
        #: What every key depends on.
        self.context = [REVISION, engine, profile.name, self.encoder, self.size, self.canvas.fps]

    def cut(self, span: Span) -> Iterator[Segment]:
        """The segments of one span. A still picture's grid starts with the span: its length is all that matters."""
        drawn = tuple(self._drawn(layer) for layer in span.layers)
        clock = next((layer for layer in drawn if isinstance(layer, Shot)), None)
        start = clock.start if clock else 0
        rate = clock.source.fps.fraction if clock and clock.source.fps else self.rate
        grid = self.profile.grid_frames(rate)
        first = start
        while first < start + span.frames:
            # The first frame that shows the next line's source frame.
            line = (int(first * rate / self.rate) // grid + 1) * grid
            end = min(_up(line * self.rate / rate), start + span.frames)
            yield self._segment(tuple(_later(layer, first - start) for layer in drawn), end - first)
            first = end

    def _segment(self, layers: tuple[Drawn, ...], frames: int) -> Segment:
        match layers:
            case (Shot(source=source, start=first) as shot,) if self._copyable(shot):
                return Copied(source, first, frames)
            case _:
                recipe = [self.context, frames, [_ingredients(layer) for layer in layers]]
                return Encoded(_digest(recipe), frames, layers)

    def _copyable(self, shot: Shot) -> bool:
        """Whether the source's own packets, from this frame on, show just what is wanted.

        Edit proxies have no B-frames, so any first part of a GOP can be decoded without the rest.
        """
        source = shot.source
        return (
            source.sha256 not in self.encode
            and source.fps == self.canvas.fps
            and source.conformed == shot.placement.scaled
            and shot.placement.fills(self.size)
            and shot.start % self.profile.grid_frames(self.rate) == 0
        )

    def _drawn(self, layer: Layer) -> Drawn:
        match layer:
            case Footage(media=name, start=start, fit=fit):
                return Shot(self._source(name), start, self._place(name, fit))
            case Frozen(media=name, frame=frame, fit=fit):
                return Picture(self._source(name), self._place(name, fit), frame)
            case Still(media=name, fit=fit):
                return Picture(self._source(name), self._place(name, fit))
            case Solid() | Title():
                return layer
            case _:
                assert_never(layer)

    def _place(self, name: str, fit: Fit) -> Placement:
        # By the original's proportions for proxies too: they must show what the export shows.
        return place(display_size(self.media[name].facts), fit, self.canvas, self.size)

    def _source(self, name: str) -> SourceFile:
        media = self.media[name]
        if media.status != "ready":
            raise MediaNotReadyError(f"media {name} is {media.status}")
        if media.kind == "image" or self.profile.stock == "original":
            return _original(media)
        proxy = media.renditions.proxy
        if proxy is None or proxy.width is None or proxy.height is None:
            raise MediaNotReadyError(f"media {name} has no edit proxy")
        return SourceFile(
            key=proxy.key,
            sha256=proxy.sha256,
            container="mov",
            fps=media.facts.fps,
            conformed=(proxy.width, proxy.height),
        )


def _original(media: MediaRef) -> SourceFile:
    return SourceFile(
        key=media.key,
        sha256=media.sha256,
        container=media.facts.container,
        fps=None if media.kind == "image" else media.facts.fps,
        conformed=None,
    )


def _later(layer: Drawn, frames: int) -> Drawn:
    return Shot(layer.source, layer.start + frames, layer.placement) if isinstance(layer, Shot) else layer


def continues(layers: tuple[Drawn, ...], frames: int, following: tuple[Drawn, ...]) -> bool:
    """Whether `following` is what `layers` are after so many frames."""
    return tuple(_later(layer, frames) for layer in layers) == following


def _ingredients(layer: Drawn) -> list[object]:
    """What pixels depend on: contents, not names or places."""
    match layer:
        case Shot(source=source, start=start, placement=placement):
            return ["shot", source.sha256, source.fps, start, placement]
        case Picture(source=source, placement=placement, frame=frame):
            return ["picture", source.sha256, source.fps, placement, frame]
        case Solid(color=color):
            return ["solid", color]
        case Title(text=TextStyle() as text):
            return ["title", text]
        case _:
            assert_never(layer)


def _digest(recipe: object) -> Digest:
    return Digest(hashlib.sha256(msgspec.json.encode(recipe, order="deterministic")).hexdigest())


def _up(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
