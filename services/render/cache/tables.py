"""The sample tables of an MP4 as arrays: where each packet of a track lies, and when it is decoded and shown.

Boxes are those of ISO/IEC 14496-12. Media are not read.
"""

from __future__ import annotations

import struct
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.render.cache import boxes
from services.render.cache.boxes import HEADER, BrokenBoxError, Data, needed

Numbers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

STBL: Final = (b"mdia", b"minf", b"stbl")
_CONFIGURATIONS: Final = (b"avcC", b"hvcC", b"vpcC")
#: Bytes of `stsd` before the content of its first description; of that before the boxes in it, and where its width is.
FIRST: Final = 16
DESCRIPTION: Final = 78
_WIDTH: Final = 24


class Track(msgspec.Struct, frozen=True):
    """A track whose packets are `sizes` bytes at `offsets`. `dts` and `pts` count 1 / `timescale` seconds from the
    first packet shown. `trak` is the content of its box."""

    trak: bytes
    timescale: int
    sizes: Numbers
    offsets: Numbers
    dts: Numbers
    pts: Numbers
    keys: Flags

    def described(self) -> tuple[bytes, int, int]:
        """Of pictures: the configuration of their decoder, width and height. Raises BrokenBoxError, struct.error."""
        start, end = needed(self.trak, *STBL, b"stsd")
        start += FIRST
        width, height = struct.unpack_from(">HH", self.trak, start + _WIDTH)
        found = (boxes.box(self.trak, kind, start=start + DESCRIPTION, end=end) for kind in _CONFIGURATIONS)
        return next((self.trak[first:last] for first, last in filter(None, found)), b""), width, height


def tracks(moov: bytes) -> dict[bytes, Track]:
    """The first track of each kind of handler, such as `vide`, by that. `moov` is the content of the box. Raises
    BrokenBoxError, struct.error."""
    found: dict[bytes, Track] = {}
    at = 0
    while at + HEADER <= len(moov):
        size, kind = struct.unpack_from(">I4s", moov, at)
        if kind == b"trak":
            trak = moov[at + HEADER : at + size]
            start, _ = needed(trak, b"mdia", b"hdlr")
            found.setdefault(trak[start + 8 : start + 12], _track(trak))
        at += max(HEADER, size)
    return found


def pictures(moov: bytes) -> Track:
    """The first track of pictures, which has some. Raises BrokenBoxError, struct.error."""
    track = tracks(moov).get(b"vide")
    if track is None or not len(track.sizes):
        raise BrokenBoxError("no pictures")
    return track


def moov_of(data: Data) -> bytes:
    """The content of the box. Raises BrokenBoxError."""
    start, end = needed(data, b"moov")
    return bytes(data[start:end])


def _track(trak: bytes) -> Track:
    header, _ = needed(trak, b"mdia", b"mdhd")
    (timescale,) = struct.unpack_from(">I", trak, header + (20 if trak[header] else 12))
    start, end = needed(trak, *STBL, b"stsz")
    same, count = struct.unpack_from(">II", trak, start + 4)
    if not same and count * 4 > end - start - 12:
        raise BrokenBoxError(f"{count} sizes in {end - start} bytes")
    sizes = np.full(count, same, np.int64) if same else _table(trak, start + 12, count)[:, 0]
    shift = _shift(trak)
    steps = _expanded(trak, count, *STBL, b"stts")
    dts = np.concatenate(([0], np.cumsum(steps[:-1]))).astype(np.int64) - shift if count else steps
    late = _expanded(trak, count, *STBL, b"ctts") if boxes.box(trak, *STBL, b"ctts") else np.zeros(count, np.int64)
    keys = np.ones(count, np.bool_)
    if (where := boxes.box(trak, *STBL, b"stss")) is not None:
        keys[:] = False
        numbers = _table(trak, where[0] + 8, _count(trak, where[0]))[:, 0] - 1
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < count:
            raise BrokenBoxError("a key frame beyond the last one")
        keys[numbers] = True
    return Track(trak, timescale, sizes, _offsets(trak, sizes), dts, dts + late, keys)


def _shift(trak: bytes) -> int:
    """At which time of the track it begins to be shown."""
    where = boxes.box(trak, b"edts", b"elst")
    if where is None:
        return 0
    version, count = trak[where[0]], _count(trak, where[0])
    if count != 1:
        raise BrokenBoxError(f"{count} edits")
    _, at = struct.unpack_from(">qq" if version else ">ii", trak, where[0] + 8)
    return int(at)


def _offsets(trak: bytes, sizes: Numbers) -> Numbers:
    """Where each packet lies: packets of a chunk follow each other."""
    if (where := boxes.box(trak, *STBL, b"co64")) is not None:
        count = _count(trak, where[0])
        words = _table(trak, where[0] + 8, count, 2)
        chunks = (words[:, 0] << 32) + words[:, 1]
    else:
        start, _ = needed(trak, *STBL, b"stco")
        chunks = _table(trak, start + 8, _count(trak, start))[:, 0]
    start, _ = needed(trak, *STBL, b"stsc")
    runs = _table(trak, start + 8, _count(trak, start), 3)
    ends = np.append(runs[1:, 0], len(chunks) + 1)
    if len(runs) == 0 or (np.diff(np.append(runs[:, 0], len(chunks) + 1)) < 0).any():
        raise BrokenBoxError("chunks without packets")
    per_chunk = np.repeat(runs[:, 1], ends - runs[:, 0])
    if per_chunk.sum() != len(sizes) or len(per_chunk) != len(chunks):
        raise BrokenBoxError(f"{per_chunk.sum()} packets in chunks, and {len(sizes)} sizes")
    before = np.cumsum(sizes) - sizes
    first = np.cumsum(per_chunk) - per_chunk
    return np.repeat(chunks - before[first], per_chunk) + before if len(sizes) else before


def _expanded(trak: bytes, count: int, *path: bytes) -> Numbers:
    """The `count` values of a table that tells how often each comes."""
    start, _ = needed(trak, *path)
    runs = _table(trak, start + 8, _count(trak, start), 2)
    if runs[:, 0].sum() != count:
        raise BrokenBoxError(f"{path[-1]!r} tells of {runs[:, 0].sum()} packets in place of {count}")
    # Differences of time may be negative.
    return np.repeat(runs[:, 1].astype(np.uint32).view(np.int32).astype(np.int64), runs[:, 0])


def _count(trak: bytes, start: int) -> int:
    return int.from_bytes(trak[start + 4 : start + 8])


def _table(data: bytes, start: int, rows: int, columns: int = 1) -> Numbers:
    if start + 4 * rows * columns > len(data):
        raise BrokenBoxError(f"{rows} rows in {len(data) - start} bytes")
    return np.frombuffer(data, ">u4", rows * columns, start).astype(np.int64).reshape(rows, columns)
