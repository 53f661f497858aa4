"""Writes what stands before the media of an MP4 of one track of pictures and one of sound, from tables that are arrays.

What describes the packets to decoders is taken over from files that hold them already. See ISO/IEC 14496-12 and, for
the bit rate of sound, ISO/IEC 14496-1.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec
import numpy as np

from cutlog.blobs.pieces import MAX_HEAD
from services.render.cache import boxes
from services.render.cache.boxes import HEADER, needed
from services.render.cache.tables import DESCRIPTION, FIRST, STBL, Flags, Numbers

_MATRIX: Final = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
_BRANDS: Final = b"isom\0\0\2\0isomiso2avc1mp41"
#: Bytes of a description of sound before the boxes in it.
_SOUND: Final = 28
#: Where numbers of 32 bits end.
_NARROW: Final = 1 << 32


class Laid(msgspec.Struct, frozen=True):
    """A track to be written: `like` is the content of a `trak` that describes it. Times count 1 / `timescale` seconds;
    those of decoding begin at 0, and the first packet is shown at `early`. `last` is how long the last packet is, and
    `shown` how long the whole is shown. Its packets lie in chunks: `packets` of each, at `offsets` in the media."""

    like: bytes
    timescale: int
    sizes: Numbers
    dts: Numbers
    pts: Numbers
    keys: Flags
    early: int
    last: int
    shown: int
    packets: Numbers
    offsets: Numbers


def head(tracks: list[Laid], timescale: int, size: int, table: bytes) -> bytes:
    """All before the media, `size` bytes, but for the header of their box; `table` is a box that is put before that.
    `timescale` is the movie's, a multiple of those of its tracks."""
    brands = _box(b"ftyp", _BRANDS)
    # The tables hold where the media lie, which depends on how long the tables are, but not on what they hold.
    wide = size + MAX_HEAD >= _NARROW
    length = len(brands) + len(_moov(tracks, timescale, 0, wide)) + len(table)
    start = length + (HEADER if size + HEADER < _NARROW else 2 * HEADER)
    return brands + _moov(tracks, timescale, start, wide) + table


def _moov(tracks: list[Laid], timescale: int, start: int, wide: bool) -> bytes:
    lengths = [track.shown * (timescale // track.timescale) for track in tracks]
    mvhd = _timed(timescale, max(lengths)) + struct.pack(">IHH8x", 1 << 16, 1 << 8, 0) + _MATRIX
    body = [_box(b"mvhd", mvhd, bytes(24), struct.pack(">I", len(tracks) + 1))]
    for number, (track, length) in enumerate(zip(tracks, lengths, strict=True), 1):
        body.append(_trak(track, number, length, start, wide))
    return _box(b"moov", *body)


def _trak(track: Laid, number: int, length: int, start: int, wide: bool) -> bytes:
    like = track.like
    # Alternate group, loudness, matrix and size on the screen are the end of the box, whatever its version.
    first, last = needed(like, b"tkhd")
    version = 1 if length >= _NARROW else 0
    times = struct.pack(">QQIIQ" if version else ">IIIII", 0, 0, number, 0, length)
    tkhd = _box(b"tkhd", bytes([version]), like[first + 1 : first + 4], times, like[last - 60 : last])
    elst = struct.pack(">QqI" if version else ">IiI", length, track.early, 1 << 16)
    edts = _box(b"edts", _box(b"elst", bytes([version, 0, 0, 0]), struct.pack(">I", 1), elst))
    whole = int(track.dts[-1]) + track.last
    mdhd = _box(b"mdhd", _timed(track.timescale, whole), struct.pack(">HH", 0x55C4, 0))
    minf = [_taken(like, b"mdia", b"minf", kind) for kind in (b"vmhd", b"smhd", b"dinf")]
    media = _box(b"minf", *minf, _stbl(track, whole, start, wide))
    return _box(b"trak", tkhd, edts, _box(b"mdia", mdhd, _taken(like, b"mdia", b"hdlr"), media))


def _stbl(track: Laid, whole: int, start: int, wide: bool) -> bytes:
    steps = np.append(np.diff(track.dts), track.last)
    parts = [_stsd(track, whole), _box(b"stts", _full(_runs(steps)))]
    if not track.keys.all():
        numbers = np.flatnonzero(track.keys) + 1
        parts.append(_box(b"stss", _full(numbers.reshape(-1, 1))))
    if (track.pts - track.dts).any():
        parts.append(_box(b"ctts", _full(_runs(track.pts - track.dts))))
    changes = _starts(track.packets)
    stsc = np.column_stack((changes + 1, track.packets[changes], np.ones(len(changes), np.int64)))
    parts.append(_box(b"stsc", _full(stsc)))
    parts.append(_box(b"stsz", bytes(8), struct.pack(">I", len(track.sizes)), track.sizes.astype(">u4").tobytes()))
    offsets, kind = track.offsets + start, ">u8" if wide else ">u4"
    places = offsets.astype(kind).tobytes()
    parts.append(_box(b"co64" if wide else b"stco", bytes(4), struct.pack(">I", len(offsets)), places))
    if (groups := _taken(track.like, *STBL, b"sgpd")) and (like := _taken(track.like, *STBL, b"sbgp")):
        # All packets are of the one group that there is.
        parts += [groups, like[:-HEADER] + struct.pack(">II", len(track.sizes), 1)]
    return _box(b"stbl", *parts)


def _stsd(track: Laid, whole: int) -> bytes:
    """The descriptions, with the bit rate of this film."""
    data = bytearray(_taken(track.like, *STBL, b"stsd"))
    rate = int(track.sizes.sum()) * 8 * track.timescale // max(1, whole)
    at, kind = HEADER + FIRST, b"btrt"
    if boxes.box(track.like, b"mdia", b"minf", b"smhd") is not None:
        at, kind = at + _SOUND, b"esds"
    else:
        at += DESCRIPTION
    where = boxes.box(bytes(data), kind, start=at)
    if where is None:
        return bytes(data)
    at = where[0]
    if kind == b"esds":
        # Of the stream: tag, length, id and flags. Of its decoder: tag, length and kind. Then, as in the other: the
        # size of its buffer, and the highest and the mean bit rate.
        at = _descriptor(data, _descriptor(data, at + 4) + 3) + 2
        struct.pack_into(">BHII", data, at, 0, 0, rate, rate)
    else:
        struct.pack_into(">III", data, at, 0, rate, rate)
    return bytes(data)


def _descriptor(data: bytearray, at: int) -> int:
    """Where the content of a descriptor begins: its length has a bit in each byte that says whether more follow."""
    at += 1
    while data[at] & 0x80:
        at += 1
    return at + 1


def _timed(timescale: int, length: int) -> bytes:
    """The beginning of `mvhd` and `mdhd`. Nobody is told when a film was made, so that equal ones are equal."""
    version = 1 if length >= _NARROW else 0
    return bytes([version, 0, 0, 0]) + struct.pack(">QQIQ" if version else ">IIII", 0, 0, timescale, length)


def _starts(values: Numbers) -> Numbers:
    """Where values change, 0 included."""
    return np.concatenate(([0], np.flatnonzero(np.diff(values)) + 1)).astype(np.int64)


def _runs(values: Numbers) -> Numbers:
    """How often each value comes, and the value."""
    starts = _starts(values)
    return np.column_stack((np.diff(np.append(starts, len(values))), values[starts]))


def _full(rows: Numbers) -> bytes:
    """A table of 32 bits in version 0."""
    return bytes(4) + struct.pack(">I", len(rows)) + rows.astype(">u4").tobytes()


def _taken(data: bytes, *path: bytes) -> bytes:
    """A box as it is; nothing where there is none."""
    where = boxes.box(data, *path)
    return b"" if where is None else data[where[0] - HEADER : where[1]]


def _box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", HEADER + sum(map(len, parts)), kind) + b"".join(parts)
