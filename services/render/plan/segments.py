"""A version as segments: each named by the digest of all that its pixels depend on, and of nothing else.

Segments lie on a grid in the frame numbers of the lowest moving source, so an edit that moves film on the timeline
names no segment anew, and a trim only those at the edges that it cuts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from typing import Final, NewType, assert_never

import msgspec

from cutlog.contract.fonts import face_of, uploaded
from cutlog.contract.letters import read
from cutlog.contract.media import MediaFacts, display_size, nearest, picture_rate
from cutlog.contract.profiles import gop_frames
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, Fit, MediaRef, TextStyle, Timeline
from cutlog.ffmpeg.clock import clock_of, clock_of_proxy
from services.render.errors import RenderError
from services.render.plan.geometry import Placement, Size, place
from services.render.plan.layers import (
    Drawn,
    Mixed,
    Picture,
    Plate,
    Shot,
    SourceFile,
    Typeface,
    Words,
    cluts,
    ingredients,
    sources,
    typefaces,
)
from services.render.plan.looks import PLAIN, curve, shown
from services.render.plan.profiles import Profile
from services.render.plan.spans import Footage, Frozen, Layer, Mix, Solid, Span, Still, Title, advance, spans

#: Changes whenever equal recipes would give other pixels than before: graphs, fonts, colour handling.
REVISION: Final = 8

#: What fonts of emoji have, and others do not.
_EMOJI: Final = "😀"

Digest = NewType("Digest", str)


class MediaNotReadyError(RenderError):
    """The timeline uses media that can't be rendered from: it is being processed, or that failed."""


class Copied(msgspec.Struct, frozen=True):
    """Frames [first, first + frames) of an edit proxy, as they are: `first` is a key frame."""

    source: SourceFile
    first: int
    frames: int


class Encoded(msgspec.Struct, frozen=True):
    """`frames` frames of `layers`, kept in the cache under `digest`. `cluts` are colour tables with their media ids."""

    digest: Digest
    frames: int
    layers: tuple[Drawn, ...]
    cluts: tuple[tuple[str, SourceFile], ...] = ()

    def sources(self) -> Iterator[SourceFile]:
        """The files that it is made of; some more than once."""
        for _, clut in self.cluts:
            yield clut
        for layer in self.layers:
            yield from sources(layer)

    def typefaces(self) -> Iterator[Typeface]:
        """The uploaded fonts that its texts are drawn with; some more than once."""
        for layer in self.layers:
            yield from typefaces(layer)


Segment = Copied | Encoded


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All pictures of a film, in order. `digest` names the whole: equal digests make equal films. With `alpha`, it is
    clear where nothing is shown."""

    profile: str
    size: Size
    fps: Fps
    encoder: tuple[str, ...]
    segments: tuple[Segment, ...]
    digest: Digest
    alpha: bool = False

    @property
    def frames(self) -> int:
        return sum(segment.frames for segment in self.segments)

    def encoded(self) -> dict[Digest, Encoded]:
        """The segments that must be in the cache, each once, in order."""
        return {segment.digest: segment for segment in self.segments if isinstance(segment, Encoded)}

    def copied(self) -> dict[str, SourceFile]:
        """The edit proxies that are copied from, by their SHA-256."""
        return {segment.source.sha256: segment.source for segment in self.segments if isinstance(segment, Copied)}


class Known(msgspec.Struct, frozen=True):
    """The segments of a version's spans, by what the spans show, for the next version to take over. `looked` is how
    many spans were not taken over themselves."""

    context: bytes
    media: Mapping[str, MediaRef]
    spans: Mapping[bytes, tuple[Segment, ...]]
    looked: int


def plan(timeline: Timeline, profile: Profile, engine: str, encode: frozenset[str] = frozenset()) -> Plan:
    """The segments of a version under a profile.

    `engine` is the identity of the ffmpeg build. Nothing is copied from edit proxies whose SHA-256 is in `encode`.
    Raises MediaNotReadyError.
    """
    return planned(timeline, profile, engine, encode, None)[0]


def planned(
    timeline: Timeline, profile: Profile, engine: str, encode: frozenset[str], before: Known | None
) -> tuple[Plan, Known]:
    """What `plan` gives, taken over from another version where that has it. Raises MediaNotReadyError."""
    planner = _Planner(timeline, profile, engine, encode)
    its = [profile.stock, profile.grid, profile.alpha]
    context = msgspec.msgpack.encode([planner.context, its, sorted(encode), timeline.canvas])
    earlier: Mapping[bytes, tuple[Segment, ...]] = {}
    if before is not None and before.context == context and _agree(before.media, timeline.media):
        earlier = before.spans
    cut: dict[bytes, tuple[Segment, ...]] = {}
    parts, looked = list[tuple[Segment, ...]](), 0
    for span in spans(timeline, not profile.alpha):
        why = span.content
        part = cut.get(why) or earlier.get(why)
        if part is None:
            part, looked = tuple(planner.cut(span)), looked + 1
        cut[why] = part
        parts.append(part)
    whole = planner.whole(tuple(chain.from_iterable(parts)))
    return whole, Known(context, timeline.media, cut, looked)


def _agree(some: Mapping[str, MediaRef], others: Mapping[str, MediaRef]) -> bool:
    return all(others.get(name, media) == media for name, media in some.items())


def _named(segments: Iterable[Segment]) -> list[object]:
    return [
        segment.digest if isinstance(segment, Encoded) else [segment.source.sha256, segment.first, segment.frames]
        for segment in segments
    ]


def moment(timeline: Timeline, profile: Profile, engine: str, frame: int) -> Encoded:
    """One frame of a version, [0, duration), as a segment of its own. Raises MediaNotReadyError."""
    span = next(span for span in spans(timeline, not profile.alpha) if span.at <= frame < span.end)
    return _Planner(timeline, profile, engine, frozenset()).alone(span, frame - span.at)


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
        clock = next((shot for layer in span.layers for shot in _footage(layer)), None)
        first = 0
        while first < span.frames:
            frames = min(self._until_line(clock, first), span.frames - first)
            yield self._segment(span.layers, first, frames)
            first += frames

    def whole(self, segments: tuple[Segment, ...]) -> Plan:
        return Plan(
            profile=self.profile.name,
            size=self.size,
            fps=self.canvas.fps,
            encoder=self.encoder,
            segments=segments,
            digest=_digest([self.context, _named(segments)]),
            alpha=self.profile.alpha,
        )

    def alone(self, span: Span, frame: int) -> Encoded:
        """One frame of a span."""
        return self._encoded(tuple(self._drawn(advance(layer, frame), 1) for layer in span.layers), 1)

    def _until_line(self, clock: Footage | None, first: int) -> int:
        """Frames from a span's frame `first` to the next line of the grid, in the clock's own frame numbers."""
        rate = (picture_rate(self.media[clock.media].facts) if clock else None) or self.rate
        grid = self.profile.grid_frames(rate)
        if clock is None:
            return grid - first % grid
        if clock.num == clock.den and not clock.backwards:
            # The first frame that shows the next line's source frame.
            at = clock.start + first
            line = (int(at * rate / self.rate) // grid + 1) * grid
            return _up(line * self.rate / rate) - at
        if clock.backwards:
            # Frames are held in memory until the last one is there: pieces are short.
            grid = min(grid, gop_frames(rate))
        cell = self._cell(clock, first, rate, grid)
        length = 1
        while length < 2 * grid and self._cell(clock, first + length, rate, grid) == cell:
            length += 1
        return length

    def _cell(self, clock: Footage, frame: int, rate: Fraction, grid: int) -> int:
        steps = (frame * clock.num + clock.phase) // clock.den
        at = clock.start - steps if clock.backwards else clock.start + steps
        return int(at * rate / self.rate) // grid

    def _segment(self, layers: tuple[Layer, ...], first: int, frames: int) -> Segment:
        drawn = tuple(self._drawn(advance(layer, first), frames) for layer in layers)
        match drawn:
            case (Shot(source=source, start=start) as shot,) if self._copyable(shot):
                return Copied(source, start, frames)
            case _:
                return self._encoded(drawn, frames)

    def _encoded(self, drawn: tuple[Drawn, ...], frames: int) -> Encoded:
        tables = {name: self._clut(name) for layer in drawn for name in cluts(layer)}
        content = {name: source.content for name, source in tables.items()}
        recipe = [self.context, frames, [ingredients(layer, content) for layer in drawn]]
        return Encoded(_digest(recipe), frames, drawn, tuple(tables.items()))

    def _copyable(self, shot: Shot) -> bool:
        """Whether the source's own packets, from this frame on, show just what is wanted.

        Edit proxies have no B-frames, so any first part of a GOP can be decoded without the rest.
        """
        source = shot.source
        return (
            source.sha256 not in self.encode
            and source.clock is not None
            and source.clock.rate == self.canvas.fps
            and source.conformed == shot.placement.scaled
            and shot.placement.fills(self.size)
            and shot.start % self.profile.grid_frames(self.rate) == 0
            and source.alpha is None
            and shot.straight
            and shot.look == PLAIN
        )

    def _drawn(self, layer: Layer, frames: int) -> Drawn:
        """A layer in the first `frames` frames from where it begins."""
        match layer:
            case Footage(media=name, look=look):
                return Shot(
                    self._source(name),
                    layer.start,
                    self._place(name, look.fit),
                    shown(look, 0, frames),
                    layer.num,
                    layer.den,
                    layer.phase,
                    layer.backwards,
                )
            case Frozen(media=name, frame=frame, look=look):
                return Picture(self._source(name), self._place(name, look.fit), frame, shown(look, 0, frames))
            case Still(media=name, look=look):
                return Picture(self._source(name), self._place(name, look.fit), None, shown(look, 0, frames))
            case Solid(color=color, look=look):
                return Plate(color, shown(look, 0, frames))
            case Title(text=text, look=look):
                x, y = curve(text.x, 0, frames), curve(text.y, 0, frames)
                style = msgspec.structs.replace(text, x=0.5, y=0.5)
                return Words(style, x, y, layer.caption, shown(look, 0, frames), self._typeface(text))
            case Mix(left=left, right=right):
                return Mixed(
                    layer.kind,
                    layer.at,
                    layer.frames,
                    None if left is None else self._drawn(left, frames),
                    None if right is None else self._drawn(right, frames),
                )
            case _:
                assert_never(layer)

    def _clut(self, name: str) -> SourceFile:
        media = self.media[name]
        if media.kind != "image":
            raise MediaNotReadyError(f"media {name} is not a picture, so it can't be a colour table")
        return self._source(name)

    def _typeface(self, text: TextStyle) -> Typeface | None:
        """The face of an uploaded font that a text is drawn with."""
        for name in uploaded(text.font):
            media = self.media[name]
            master = media.renditions.master
            if media.status != "ready" or not master or not media.facts.font:
                raise MediaNotReadyError(f"font {name} is {media.status}")
            number = nearest(media.facts.font, text.weight or None)
            face = media.facts.font.faces[number]
            family, weight = face_of(media.sha256, number), text.weight or face.weight
            return Typeface(master.key, master.sha256, family, weight, _EMOJI in read(media.facts.font.coverage))
        return None

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
        colours = SourceFile(
            key=proxy.key,
            sha256=proxy.sha256,
            container="mov",
            clock=clock_of_proxy(media.facts),
            conformed=(proxy.width, proxy.height),
        )
        if not (alpha := media.renditions.proxy_alpha):
            return colours
        plane = msgspec.structs.replace(colours, key=alpha.key, sha256=alpha.sha256)
        return msgspec.structs.replace(colours, alpha="black", plane=plane)


def _original(media: MediaRef) -> SourceFile:
    """The upload itself, or what it was rewritten as."""
    file = media.renditions.master or media
    return SourceFile(
        key=file.key,
        sha256=file.sha256,
        container=media.facts.container,
        clock=None if media.kind == "image" else clock_of(media.facts),
        conformed=None,
        stream=_stream(media.facts),
        alpha=(media.facts.matte or "straight") if media.facts.alpha else None,
    )


def _stream(facts: MediaFacts) -> int | None:
    """The index of the picture in the file; None where it is the first one, or nobody noted it."""
    pictures = [stream for stream in facts.streams or () if stream.kind == "video"]
    chosen = next((stream for stream in pictures if stream.chosen), None)
    return None if chosen is None or chosen is pictures[0] else chosen.index


def _footage(layer: Layer) -> Iterator[Footage]:
    """The moving pictures in a layer."""
    match layer:
        case Footage():
            yield layer
        case Mix(left=left, right=right):
            for side in (left, right):
                if side is not None:
                    yield from _footage(side)
        case _:
            return


def _digest(recipe: object) -> Digest:
    return Digest(hashlib.sha256(msgspec.json.encode(recipe, order="deterministic")).hexdigest())


def _up(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
