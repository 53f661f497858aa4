"""A timeline as spans: stretches on which the stack of visible layers does not change."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import assert_never

import msgspec

from cutlog.contract.media import display_size
from cutlog.contract.timeline import (
    Canvas,
    Clip,
    ColorSource,
    Fit,
    FreezeSource,
    MediaRef,
    MediaSource,
    TextSource,
    TextStyle,
    Timeline,
)


class Footage(msgspec.Struct, frozen=True):
    """Moving pictures of a media; `start` is the conformed frame on screen at the first frame of the span."""

    media: str
    start: int
    fit: Fit


class Frozen(msgspec.Struct, frozen=True):
    """One conformed frame of a media, held."""

    media: str
    frame: int
    fit: Fit


class Still(msgspec.Struct, frozen=True):
    """A picture that stands."""

    media: str
    fit: Fit


class Solid(msgspec.Struct, frozen=True):
    """One colour, #rrggbb, all over the canvas."""

    color: str


class Title(msgspec.Struct, frozen=True):
    """Text over what lies below."""

    text: TextStyle


Layer = Footage | Frozen | Still | Solid | Title


class Span(msgspec.Struct, frozen=True):
    """`frames` frames from the timeline's frame `at`; `layers` from the bottom up, the lowest opaque."""

    at: int
    frames: int
    layers: tuple[Layer, ...]

    @property
    def end(self) -> int:
        return self.at + self.frames


def spans(timeline: Timeline) -> tuple[Span, ...]:
    """Covers [0, duration) without gap or overlap; no two neighbours could be one span.

    Gaps show the background, and what an opaque layer covers is left out: it can't change the picture.
    """
    merged: list[Span] = []
    for span in _cut(timeline):
        if merged and (joined := _join(merged[-1], span)):
            merged[-1] = joined
        else:
            merged.append(span)
    return tuple(merged)


def _cut(timeline: Timeline) -> Iterator[Span]:
    """One span between any two neighbouring clip edges."""
    lanes = [
        [clip for clip in track.clips if clip.enabled and clip.frames > 0]
        for track in timeline.tracks
        if track.kind == "video" and not track.hidden
    ]
    edges = {0, timeline.duration}
    for lane in lanes:
        for clip in lane:
            edges |= {clip.at, clip.at + clip.frames}
    cuts = sorted(edge for edge in edges if 0 <= edge <= timeline.duration)
    heads = [0] * len(lanes)
    for at, end in pairwise(cuts):
        stack: list[Layer] = [Solid(timeline.canvas.background)]
        for number, lane in enumerate(lanes):
            while heads[number] < len(lane) and lane[heads[number]].at + lane[heads[number]].frames <= at:
                heads[number] += 1
            if heads[number] < len(lane) and lane[heads[number]].at <= at:
                layer = _layer(lane[heads[number]], at, timeline)
                if layer is None:
                    continue
                if _covers(layer, timeline.canvas, timeline.media):
                    stack.clear()
                stack.append(layer)
        yield Span(at, end - at, tuple(stack))


def _layer(clip: Clip, at: int, timeline: Timeline) -> Layer | None:
    """What a clip shows at the timeline's frame `at`; None for a sound, which has no picture."""
    match clip.source:
        case MediaSource(media=media, start=start):
            match timeline.media[media].kind:
                case "video":
                    return Footage(media, start + at - clip.at, clip.fit)
                case "image":
                    return Still(media, clip.fit)
                case "audio":
                    return None
                case kind:
                    assert_never(kind)
        case FreezeSource(media=media, frame=frame):
            return Frozen(media, frame, clip.fit)
        case ColorSource(color=color):
            return Solid(color)
        case TextSource(text=text):
            return Title(text)
        case source:
            assert_never(source)


def _covers(layer: Layer, canvas: Canvas, media: dict[str, MediaRef]) -> bool:
    """Whether nothing below can be seen. A still may be transparent; a moving picture is opaque."""
    match layer:
        case Solid():
            return True
        case Footage(media=name, fit=fit) | Frozen(media=name, fit=fit):
            width, height = display_size(media[name].facts)
            match fit:
                case "cover" | "stretch":
                    return True
                case "contain":
                    return width * canvas.height == height * canvas.width
                case "none":
                    return width >= canvas.width and height >= canvas.height
                case _:
                    assert_never(fit)
        case Still() | Title():
            return False
        case _:
            assert_never(layer)


def advance(layer: Layer, frames: int) -> Layer:
    """The same layer `frames` later."""
    match layer:
        case Footage(media=media, start=start, fit=fit):
            return Footage(media, start + frames, fit)
        case Frozen() | Still() | Solid() | Title():
            return layer
        case _:
            assert_never(layer)


def _join(left: Span, right: Span) -> Span | None:
    """One span in place of two, if the right one goes on exactly where the left one stops."""
    if tuple(advance(layer, left.frames) for layer in left.layers) != right.layers:
        return None
    return Span(left.at, left.frames + right.frames, left.layers)
