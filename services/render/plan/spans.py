"""A timeline as spans: stretches on which the stack of visible layers does not change."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import assert_never

import msgspec

from cutlog.contract.fonts import DEFAULT
from cutlog.contract.media import display_size
from cutlog.contract.properties import later
from cutlog.contract.timeline import (
    Canvas,
    Clip,
    ColorSource,
    FreezeSource,
    MediaRef,
    MediaSource,
    TextSource,
    TextStyle,
    Timeline,
    Track,
)
from services.render.plan.captions import caption_style, lines_of
from services.render.plan.looks import Look, look_of


class Footage(msgspec.Struct, frozen=True):
    """Moving pictures of a media; `start` is the conformed frame on screen at the first frame of the span.

    Frame k of the span shows start ± floor((k × num + phase) / den): minus if it runs `backwards`.
    """

    media: str
    start: int
    look: Look = Look()
    num: int = 1
    den: int = 1
    phase: int = 0
    backwards: bool = False


class Frozen(msgspec.Struct, frozen=True):
    """One conformed frame of a media, held."""

    media: str
    frame: int
    look: Look = Look()


class Still(msgspec.Struct, frozen=True):
    """A picture that stands."""

    media: str
    look: Look = Look()


class Solid(msgspec.Struct, frozen=True):
    """One colour, #rrggbb, all over the canvas; None is no colour: nothing is seen."""

    color: str | None
    look: Look = Look()


class Title(msgspec.Struct, frozen=True):
    """Text over what lies below. A `caption` stands on the place that its style gives, and grows upwards from there."""

    text: TextStyle
    look: Look = Look()
    caption: bool = False


class Mix(msgspec.Struct, frozen=True):
    """A transition `frames` long, from its frame `at` on, between two layers; None shows nothing."""

    kind: str
    at: int
    frames: int
    left: Layer | None
    right: Layer | None


Layer = Footage | Frozen | Still | Solid | Title | Mix


class Span(msgspec.Struct, frozen=True):
    """`frames` frames from the timeline's frame `at`; `layers` from the bottom up, the lowest opaque or no colour."""

    at: int
    frames: int
    layers: tuple[Layer, ...]

    @property
    def end(self) -> int:
        return self.at + self.frames

    @property
    def content(self) -> bytes:
        """Equal for spans that show the same, wherever they lie."""
        return msgspec.msgpack.encode([self.frames, *([type(layer).__name__, layer] for layer in self.layers)])


class _Item(msgspec.Struct, frozen=True):
    """What a track shows on [at, end): a clip, or a transition of `kind` from `clip` to `following`."""

    at: int
    end: int
    clip: Clip
    kind: str = ""
    following: Clip | None = None


def spans(timeline: Timeline, ground: bool = True) -> tuple[Span, ...]:
    """Covers [0, duration) without gap or overlap; no two neighbours could be one span.

    Gaps show the background, or nothing without `ground`, and what an opaque layer covers is left out: it can't change
    the picture.
    """
    merged: list[Span] = []
    for span in _cut(timeline, Solid(timeline.canvas.background if ground else None)):
        if merged and (joined := _join(merged[-1], span)):
            merged[-1] = joined
        else:
            merged.append(span)
    return tuple(merged)


def _cut(timeline: Timeline, ground: Solid) -> Iterator[Span]:
    """One span between any two neighbouring edges of what tracks show, over the ground."""
    tracks = [track for track in timeline.tracks if track.kind == "video" and not track.hidden]
    lanes = [list(_items(track)) for track in tracks]
    words = [lines_of(track) if track.caption_mode == "burn" else [] for track in tracks]
    edges = {0, timeline.duration}
    for lane in lanes:
        for item in lane:
            edges |= {item.at, item.end}
    for lines in words:
        for line in lines:
            edges |= {line.start, line.end}
    cuts = sorted(edge for edge in edges if 0 <= edge <= timeline.duration)
    heads, spoken = [0] * len(lanes), [0] * len(words)
    for at, end in pairwise(cuts):
        stack: list[Layer] = [ground]
        for number, lane in enumerate(lanes):
            while heads[number] < len(lane) and lane[heads[number]].end <= at:
                heads[number] += 1
            if heads[number] < len(lane) and lane[heads[number]].at <= at:
                layer = _shown(lane[heads[number]], at, timeline)
                if layer is not None:
                    if _covers(layer, timeline.canvas, timeline.media):
                        stack.clear()
                    stack.append(layer)
            lines = words[number]
            while spoken[number] < len(lines) and lines[spoken[number]].end <= at:
                spoken[number] += 1
            if spoken[number] < len(lines) and lines[spoken[number]].start <= at:
                style = caption_style(lines[spoken[number]].text, tracks[number].caption_font or DEFAULT)
                stack.append(Title(style, caption=True))
        yield Span(at, end - at, tuple(stack))


def _items(track: Track) -> Iterator[_Item]:
    """Clips and transitions of a track in order of time. A transition takes its frames from both clips."""
    after = {transition.left: transition for transition in track.transitions}
    head = 0
    for clip, following in zip(track.clips, [*track.clips, None][1:], strict=True):
        cut = clip.at + clip.frames
        transition = after.get(clip.id)
        if transition is None or following is None:
            if clip.enabled and max(head, clip.at) < cut:
                yield _Item(max(head, clip.at), cut, clip)
            continue
        begin, head_of_next = cut - transition.frames // 2, cut + (transition.frames + 1) // 2
        if clip.enabled and max(head, clip.at) < begin:
            yield _Item(max(head, clip.at), begin, clip)
        yield _Item(begin, head_of_next, clip, transition.kind, following)
        head = head_of_next


def _shown(item: _Item, at: int, timeline: Timeline) -> Layer | None:
    """What an item shows at the timeline's frame `at`; None if that is nothing."""
    if item.following is None:
        return _layer(item.clip, at, timeline)
    left = _layer(item.clip, at, timeline) if item.clip.enabled else None
    right = _layer(item.following, at, timeline) if item.following.enabled else None
    return Mix(item.kind, at - item.at, item.end - item.at, left, right) if left or right else None


def _layer(clip: Clip, at: int, timeline: Timeline) -> Layer | None:
    """What a clip shows at the timeline's frame `at`, in its handles too; None for a sound, which has no picture."""
    frame = at - clip.at
    look = look_of(clip, frame)
    match clip.source:
        case MediaSource(media=media):
            match timeline.media[media].kind:
                case "video":
                    return _footage(clip, clip.source, frame, look)
                case "image":
                    return Still(media, look)
                case "audio" | "font":
                    return None
                case kind:
                    assert_never(kind)
        case FreezeSource(media=media, frame=held):
            return Still(media, look) if timeline.media[media].kind == "image" else Frozen(media, held, look)
        case ColorSource(color=color):
            return Solid(color, look)
        case TextSource(text=text):
            return Title(_moved(text, frame), look)
        case source:
            assert_never(source)


def _footage(clip: Clip, source: MediaSource, frame: int, look: Look) -> Footage:
    """Footage from the clip's frame `frame` on: see `frame_shown` of the contract."""
    num, den, phase = (clip.speed.num, clip.speed.den, clip.speed.phase) if clip.speed else (1, 1, 0)
    first = source.end - 1 if clip.reversed else source.start
    return _run_on(Footage(source.media, first, look, num, den, phase, clip.reversed), frame)


def _run_on(footage: Footage, frames: int) -> Footage:
    steps, phase = divmod(frames * footage.num + footage.phase, footage.den)
    start = footage.start - steps if footage.backwards else footage.start + steps
    return msgspec.structs.replace(footage, start=start, phase=phase)


def _moved(text: TextStyle, frames: int) -> TextStyle:
    return msgspec.structs.replace(text, x=later(text.x, frames), y=later(text.y, frames))


def _covers(layer: Layer, canvas: Canvas, media: dict[str, MediaRef]) -> bool:
    """Whether nothing below can be seen. A still may be transparent; a moving picture only where its facts say so."""
    match layer:
        case Solid(look=look):
            return look.opaque
        case Footage(media=name, look=look) | Frozen(media=name, look=look):
            if media[name].facts.alpha:
                return False
            width, height = display_size(media[name].facts)
            match look.fit:
                case "cover" | "stretch":
                    fills = True
                case "contain":
                    fills = width * canvas.height == height * canvas.width
                case "none":
                    fills = width >= canvas.width and height >= canvas.height
                case fit:
                    assert_never(fit)
            return fills and look.opaque
        case Still() | Title() | Mix():
            return False
        case _:
            assert_never(layer)


def advance(layer: Layer, frames: int) -> Layer:
    """The same layer `frames` later."""
    match layer:
        case Footage(look=look):
            return msgspec.structs.replace(_run_on(layer, frames), look=look.later(frames))
        case Title(text=text, look=look):
            return msgspec.structs.replace(layer, text=_moved(text, frames), look=look.later(frames))
        case Frozen(look=look) | Still(look=look) | Solid(look=look):
            return msgspec.structs.replace(layer, look=look.later(frames))
        case Mix(kind=kind, at=at, frames=whole, left=left, right=right):
            return Mix(kind, at + frames, whole, left and advance(left, frames), right and advance(right, frames))
        case _:
            assert_never(layer)


def _join(left: Span, right: Span) -> Span | None:
    """One span in place of two, if the right one goes on exactly where the left one stops."""
    if tuple(advance(layer, left.frames) for layer in left.layers) != right.layers:
        return None
    return Span(left.at, left.frames + right.frames, left.layers)
