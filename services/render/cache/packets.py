"""Films as packets whose times are whole frames: reading, cutting and writing the files of the segment cache.

A segment is an MP4 like any other, and is sealed: a file torn by a power cut is noticed when it is read.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any, Final, cast

import av
import msgspec
from av.container import InputContainer, OutputContainer
from av.packet import PacketSideData, packet_sidedata_type_from_literal
from av.video.stream import VideoStream

from cutlog.blobs import seals
from cutlog.contract.time import Fps
from services.render.cache import boxes, tables
from services.render.errors import RenderError
from services.render.plan.segments import Digest

#: How PyAV calls what Matroska keeps beside a packet.
_ALPHA: Final = "matroska_block_additional"

#: What makes equal inputs equal files: no dates, no names of libraries.
MUXER_OPTIONS: Final = {"fflags": "+bitexact"}


_replace = msgspec.structs.replace


class TornSegmentError(RenderError):
    """A file of the segment cache is not as it was written."""


class DamagedSegmentError(RenderError):
    """A segment or chunk of the cache is torn or gone; it must be made anew."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(f"{self.__doc__} {digest}")
        self.digest = digest


class BrokenFilmError(RenderError):
    """A film does not hold the pictures that it should: another count, or no key frame where one must be."""


class Packet(msgspec.Struct, frozen=True):
    """One coded picture. `pts` and `dts` count frames from the first picture shown; `dts` may begin below 0. `alpha`: a
    second picture beside it, which is its alpha, as Matroska keeps it: with its id of 8 bytes."""

    data: bytes
    pts: int
    dts: int
    key: bool
    alpha: bytes = b""


class Parameters(msgspec.Struct, frozen=True):
    """What must be equal of films that are joined: parameter sets, size, and how many frames early decoding starts."""

    extradata: bytes
    width: int
    height: int
    delay: int


class Film(msgspec.Struct, frozen=True):
    parameters: Parameters
    packets: tuple[Packet, ...]


seal = seals.seal


def unseal(data: seals.Bytes) -> seals.Bytes:
    """The MP4 in a sealed file. Raises TornSegmentError."""
    try:
        return seals.unseal(data)
    except seals.TornError as error:
        raise TornSegmentError(str(error)) from error


@cache
def ticks(fps: Fps) -> tuple[int, int]:
    """Units per second of a film's track, at least 10,000, and the units of one frame: both exact."""
    factor = 1
    while fps.num * factor < 10_000:
        factor *= 2
    return fps.num * factor, fps.den * factor


def read_film(data: bytes, fps: Fps) -> Film:
    """All packets of a segment, in the order of decoding. Raises BrokenBoxError, struct.error."""
    held = tuple(boxes.packets(data))
    track = tables.pictures(tables.moov_of(data))
    alphas = boxes.alphas(data) or (b"",) * len(held)
    if len(alphas) != len(held):
        raise boxes.BrokenBoxError(f"alpha of {len(alphas)} pictures in place of {len(held)}")
    frames = [in_frames(times, track.timescale, fps).tolist() for times in (track.pts, track.dts)]
    packets = tuple(
        Packet(packet, pts, dts, key, alpha)
        for packet, pts, dts, key, alpha in zip(held, *frames, track.keys.tolist(), alphas, strict=True)
    )
    return Film(Parameters(*track.described(), -packets[0].dts), packets)


def in_frames(times: tables.Numbers, timescale: int, fps: Fps) -> tables.Numbers:
    """Times in 1 / `timescale` seconds as the frames that are nearest."""
    num, den = fps.num, fps.den * timescale
    return (2 * times * num + den) // (2 * den)


def sealed_segment(template: VideoStream, fps: Fps, packets: Sequence[Packet], delay: int | None) -> bytes:
    """The sealed file of a segment, of a film whose stream is `template`. With `delay`, decoding starts just so many
    frames early. Raises BrokenFilmError."""
    return seal(_write(template, fps, packets if delay is None else _delayed(packets, delay)))


def _delayed(packets: Sequence[Packet], delay: int) -> list[Packet]:
    """The same packets, decoded one per frame from `-delay` on. Raises BrokenFilmError if one would come too late."""
    timed = [_replace(packet, dts=at - delay) for at, packet in enumerate(packets)]
    if any(packet.pts < packet.dts for packet in timed):
        raise BrokenFilmError(f"pictures are reordered by more than {delay}")
    return timed


def packets_of(container: InputContainer, stream: VideoStream, fps: Fps) -> list[Packet]:
    """The pictures of a film, in the order of decoding."""
    time_base = stream.time_base
    assert time_base is not None, "an MP4 stream has a time base"
    unit = time_base * fps.fraction
    return [
        Packet(
            bytes(packet),
            _frames(packet.pts, unit),
            _frames(packet.dts, unit),
            packet.is_keyframe,
            bytes(packet.get_sidedata(_ALPHA)) if packet.has_sidedata(_ALPHA) else b"",
        )
        for packet in container.demux(stream)
        if packet.size
    ]


def _frames(time: int | None, unit: Fraction) -> int:
    assert time is not None, "every packet of an MP4 has its times"
    return round(time * unit)


def parameters(stream: VideoStream, delay: int) -> Parameters:
    context = stream.codec_context
    return Parameters(bytes(context.extradata or b""), context.width, context.height, delay)


def like(out: OutputContainer, template: VideoStream) -> VideoStream:
    """A stream for the packets of another one, under the name that players of its codec know."""
    stream = out.add_stream_from_template(template)
    if template.codec_context.name == "hevc" and out.format.name != "webm":
        # Apple's players want the parameter sets to be in the header alone, and that said.
        stream.codec_context.codec_tag = "hvc1"
    if template.codec_context.name == "prores":
        # By which it is known whether it has alpha.
        stream.codec_context.codec_tag = template.codec_context.codec_tag
    return stream


def _write(template: VideoStream, fps: Fps, packets: Sequence[Packet]) -> bytes:
    timescale, _ = ticks(fps)
    buffer = io.BytesIO()
    kind = "mov" if template.codec_context.name == "prores" else "mp4"
    with av.open(buffer, "w", format=kind, options={**MUXER_OPTIONS, "video_track_timescale": str(timescale)}) as out:
        stream = like(out, template)
        stream.time_base = Fraction(1, timescale)
        for packet in packets:
            out.mux(timed(packet, stream, fps))
    return buffer.getvalue() + boxes.of_alphas([packet.alpha for packet in packets])


def timed(packet: Packet, stream: VideoStream, fps: Fps, base: int = 0) -> av.Packet[VideoStream]:
    """A packet for a muxer, `base` frames later."""
    out = cast("av.Packet[VideoStream]", av.Packet(packet.data))
    out.is_keyframe = packet.key
    if packet.alpha:
        beside = cast(Any, PacketSideData)(packet_sidedata_type_from_literal(_ALPHA), len(packet.alpha))
        beside.update(packet.alpha)
        out.set_sidedata(beside)
    return moved(out, base + packet.pts, base + packet.dts, stream, fps)


def moved(packet: av.Packet[VideoStream], pts: int, dts: int, stream: VideoStream, fps: Fps) -> av.Packet[VideoStream]:
    """A packet of any stream, for a muxer, at those frames."""
    timescale, step = ticks(fps)
    packet.stream = stream
    packet.time_base = _unit(timescale)
    packet.pts = pts * step
    packet.dts = dts * step
    packet.duration = step
    return packet


@cache
def _unit(timescale: int) -> Fraction:
    return Fraction(1, timescale)
