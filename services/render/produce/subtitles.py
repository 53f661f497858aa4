"""Captions beside the picture: tracks of text in the film, which a player shows or not. None costs a coded picture."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from fractions import Fraction
from html import escape
from typing import Final, cast

import av
import msgspec
from av.container import OutputContainer
from av.subtitles.stream import SubtitleStream

from cutlog.contract.time import Fps
from cutlog.contract.timeline import Timeline
from services.render.cache.packets import ticks
from services.render.plan.captions import Line, lines_of
from services.render.plan.profiles import Container, Profile

#: How each muxer keeps text. A GIF and a file of sound alone have no room for it.
_CODECS: Final[dict[Container, str]] = {"mp4": "mov_text", "mov": "mov_text", "webm": "webvtt"}

#: What the encoders of text want to be told before they write a header: white letters at the foot of the picture.
_STYLE: Final = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline,\
 StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""

#: Bytes of a text whose length is kept in two bytes.
_LONGEST: Final = 0xFFFF


class Subtitles(msgspec.Struct, frozen=True):
    """One track of text: words in order of time without overlap, in frames of the film."""

    title: str
    lines: tuple[Line, ...]


def beside(timeline: Timeline, profile: Profile) -> tuple[Subtitles, ...]:
    """The tracks of text of a film under a profile, the lowest first; none where its container has no room."""
    if profile.container not in _CODECS or not profile.pictures:
        return ()
    tracks = (
        Subtitles(track.name or track.id, tuple(_within(lines_of(track), timeline.duration)))
        for track in timeline.tracks
        if track.caption_mode == "sidecar" and not track.hidden
    )
    return tuple(track for track in tracks if track.lines)


def _within(lines: Sequence[Line], frames: int) -> Iterator[Line]:
    """Lines are shown while the film is."""
    for line in lines:
        if line.start < frames:
            yield Line(line.start, min(line.end, frames), line.text)


def texts(
    film: OutputContainer, tracks: Sequence[Subtitles], container: Container, fps: Fps
) -> Iterator[av.Packet[SubtitleStream]]:
    """Adds the tracks to a film that is about to be written; their packets, in order of time, at exact frames."""
    streams = [_stream(film, track, container, fps) for track in tracks]
    return heapq.merge(
        *(_packets(track, stream, container, fps) for track, stream in zip(tracks, streams, strict=True)),
        key=lambda packet: packet.dts or 0,
    )


def _stream(film: OutputContainer, track: Subtitles, container: Container, fps: Fps) -> SubtitleStream:
    stream = film.add_stream(_CODECS[container])
    assert isinstance(stream, SubtitleStream), "both are codecs of text"
    stream.codec_context.subtitle_header = _STYLE
    stream.time_base = Fraction(1, ticks(fps)[0])
    stream.metadata["title" if container == "webm" else "handler_name"] = track.title
    return stream


def _packets(
    track: Subtitles, stream: SubtitleStream, container: Container, fps: Fps
) -> Iterator[av.Packet[SubtitleStream]]:
    timescale, step = ticks(fps)
    for line in track.lines:
        packet = av.Packet(escape(line.text, quote=False).encode() if container == "webm" else _counted(line.text))
        packet.stream = stream
        packet.time_base = Fraction(1, timescale)
        packet.pts = packet.dts = line.start * step
        packet.duration = (line.end - line.start) * step
        yield cast("av.Packet[SubtitleStream]", packet)


def _counted(text: str) -> bytes:
    """UTF-8 after its length, as 3GPP TS 26.245 has it; cut where a letter ends if it is too long."""
    data = text.encode()[:_LONGEST].decode(errors="ignore").encode()
    return len(data).to_bytes(2, "big") + data
