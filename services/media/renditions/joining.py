"""Joins slices of pictures or of sound, and thins pictures out: packets are copied, at times that are whole units."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any, Final, cast

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from services.media.errors import MediaError

#: Units of a track's clock in a second, at least.
_TICKS: Final = 10_000


class BrokenSlicesError(MediaError):
    """Slices do not belong together."""


def extent(film: bytes, unit: Fraction) -> int:
    """The length of what fragments hold, from their first packet on, in units of so many seconds. Raises
    BrokenSlicesError."""
    with _read(film) as container:
        packets = _packets(container.streams[0])
        return _at(packets[-1], packets[0], unit) + _long(packets[-1], unit) if packets else 0


class Joined:
    """The MP4 at `path`, while slices are added to it. No picture of them depends on a later one."""

    def __init__(self, path: Path, unit: Fraction) -> None:
        path.unlink(missing_ok=True)  # in the store may be the same file under another name
        self._path, self._unit = path, unit
        self._step = 1
        while self._step * unit.denominator < _TICKS:
            self._step *= 2
        self._out: OutputContainer | None = None
        self._stream: Stream | None = None
        self._head = b""
        self.end = 0
        """Where what was added ends, in units."""
        self.count = 0
        """Packets that were added."""

    def add(self, start: int, film: bytes) -> None:
        """Adds a slice that begins at a unit. Raises BrokenSlicesError."""
        if start != self.end:
            raise BrokenSlicesError(f"{BrokenSlicesError.__doc__} One begins at {start} in place of {self.end}.")
        with _read(film) as container:
            stream = container.streams[0]
            out, into = self._opened(stream)
            packets = _packets(stream)
            places = [(_at(packet, packets[0], self._unit), _long(packet, self._unit)) for packet in packets]
            for packet, (place, duration) in zip(packets, places, strict=True):
                at = start + place
                self.end = at + duration
                packet.stream = into
                packet.time_base = Fraction(1, self._unit.denominator * self._step)
                scale = self._unit.numerator * self._step
                packet.pts = packet.dts = at * scale
                packet.duration = duration * scale
                out.mux(packet)
            self.count += len(packets)

    def close(self) -> None:
        """Completes the file; it is empty if nothing was added."""
        if self._out is not None:
            self._out.close()
        else:
            self._path.touch()

    def _opened(self, like: Stream) -> tuple[OutputContainer, Stream]:
        head = bytes(like.codec_context.extradata or b"")
        if self._out is None or self._stream is None:
            scale = str(self._unit.denominator * self._step)
            options = {"fflags": "+bitexact", "movflags": "+faststart", "video_track_timescale": scale}
            self._out = av.open(str(self._path), "w", format="mp4", options=options)
            self._stream = cast(Any, self._out).add_stream_from_template(like)
            cast(Any, self._stream).time_base = Fraction(1, self._unit.denominator * self._step)
            self._head = head
        elif head != self._head:
            raise BrokenSlicesError(f"{BrokenSlicesError.__doc__} They were encoded by different builds.")
        assert self._stream is not None
        return self._out, self._stream


def thinned(source: Path, to: Path, moments: Sequence[Fraction]) -> None:
    """Writes the key frames that are shown at these seconds or before, a second each."""
    with av.open(str(source), "r", format="mp4") as film, av.open(str(to), "w", format="mp4") as out:
        stream = film.streams.video[0]
        into = out.add_stream_from_template(stream)
        assert stream.time_base is not None, "each track of an MP4 has a clock"
        for at, moment in enumerate(moments):
            film.seek(floor(moment / stream.time_base), stream=stream)
            packet = next(film.demux(stream))
            packet.stream = into
            packet.time_base = Fraction(1)
            packet.pts = packet.dts = at
            packet.duration = 1
            out.mux(packet)


@contextmanager
def _read(film: bytes) -> Iterator[InputContainer]:
    """Raises BrokenSlicesError."""
    try:
        with av.open(io.BytesIO(film), "r", format="mp4") as container:
            yield container
    except av.FFmpegError as error:
        raise BrokenSlicesError(f"{BrokenSlicesError.__doc__} {error}") from error


def _packets(stream: Stream) -> list[Packet[Any]]:
    return [packet for packet in cast(Any, stream.container).demux(stream) if packet.size]


def _at(packet: Packet[Any], first: Packet[Any], unit: Fraction) -> int:
    return round(((packet.pts or 0) - (first.pts or 0)) * packet.time_base / unit)


def _long(packet: Packet[Any], unit: Fraction) -> int:
    return max(1, round((packet.duration or 0) * packet.time_base / unit))
