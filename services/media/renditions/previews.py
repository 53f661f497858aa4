"""A sheet of small pictures and the peaks of a sound: where each picture lies, which samples a peak covers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec

from cutlog.contract.media import MediaFacts, display_size

if TYPE_CHECKING:
    import numpy as np

TILES: Final = 100
COLUMNS: Final = 10
TILE_WIDTH: Final = 160

PEAKS: Final = 4000
MIN_SPAN: Final = 64
"""Samples in one pair of peaks at least."""


class Sheet(msgspec.Struct, frozen=True):
    """`count` pictures, every `step` frames of the edit proxy, in rows of `COLUMNS`; a picture's pixels."""

    count: int
    step: int
    width: int
    height: int

    @property
    def rows(self) -> int:
        return -(-self.count // COLUMNS)


def sheet(facts: MediaFacts) -> Sheet:
    """The sheet of a video with those facts."""
    frames = facts.frames or 1
    step = max(1, -(-frames // TILES))
    width, height = display_size(facts)
    tall = max(2, min(4 * TILE_WIDTH, round(TILE_WIDTH * height / width / 2) * 2))
    return Sheet(count=-(-frames // step), step=step, width=TILE_WIDTH, height=tall)


def index(facts: MediaFacts, link: str) -> str:
    """WebVTT (https://www.w3.org/TR/webvtt1) with a media fragment of the sheet for each stretch of time."""
    assert facts.fps is not None
    of, rate = sheet(facts), facts.fps.fraction
    lines = ["WEBVTT", ""]
    for number in range(of.count):
        begin, end = number * of.step / rate, min((number + 1) * of.step, facts.frames or 1) / rate
        row, column = divmod(number, COLUMNS)
        where = f"{column * of.width},{row * of.height},{of.width},{of.height}"
        lines += [f"{_clock(begin)} --> {_clock(end)}", f"{link}#xywh={where}", ""]
    return "\n".join(lines)


def _clock(seconds: Fraction | float) -> str:
    millis = round(Fraction(seconds) * 1000)
    return f"{millis // 3_600_000:02}:{millis // 60_000 % 60:02}:{millis // 1000 % 60:02}.{millis % 1000:03}"


class Waveform(msgspec.Struct, frozen=True, kw_only=True):
    """Peaks in the JSON format of audiowaveform (https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md):
    `length` pairs of lowest and highest value, -128 to 127, each over `samples_per_pixel` samples of both channels."""

    version: int = 2
    channels: int = 1
    sample_rate: int
    samples_per_pixel: int
    bits: int = 8
    length: int
    data: list[int]


def span(samples: int) -> int:
    """Samples of one pair of peaks, for a sound of so many."""
    return max(MIN_SPAN, -(-samples // PEAKS))


def peaks(pieces: Iterator[bytes], samples: int, rate: int) -> Waveform:
    """Peaks of s16le stereo that comes in pieces of any length."""
    import numpy as np  # 12 MiB that a service without uploads can do without

    each = span(samples)
    data: list[int] = []
    rest = b""
    for piece in pieces:
        rest += piece
        whole = len(rest) // (each * 4) * each * 4
        data += _pairs(np.frombuffer(rest[:whole], "<i2").reshape(-1, each * 2))
        rest = rest[whole:]
    rest = rest[: len(rest) // 4 * 4]
    if rest:
        data += _pairs(np.frombuffer(rest, "<i2").reshape(1, -1))
    return Waveform(sample_rate=rate, samples_per_pixel=each, length=len(data) // 2, data=data)


def _pairs(blocks: np.ndarray[tuple[int, int], np.dtype[np.int16]]) -> list[int]:
    if not len(blocks):
        return []
    import numpy as np

    pairs = np.stack((blocks.min(axis=1) >> 8, blocks.max(axis=1) >> 8), axis=1)
    return [int(value) for value in pairs.ravel()]
