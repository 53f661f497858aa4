"""Reads MP4 files of a single track that this process's muxer wrote: segments and chunks of the cache.

There are very many of them, and to open a demuxer, which decodes pictures to know what is in them, takes longer than to
copy what they hold. Boxes are those of ISO/IEC 14496-12.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, repeat
from typing import Final

import msgspec

from services.render.errors import RenderError

#: Bytes before the content of a box.
HEADER: Final = 8
_SAMPLES: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_CONFIGURATIONS: Final = (b"avcC", b"hvcC", b"vpcC")
#: Ours: players pass over boxes that they do not know.
_ALPHAS: Final = b"alph"
#: Bytes of a description of pictures before the boxes in it, and where its width is.
_DESCRIPTION: Final = 78
_WIDTH: Final = 24


class BrokenBoxError(RenderError):
    """A file is not what the muxer writes."""


class Pictures(msgspec.Struct, frozen=True):
    """A track of pictures. `dts` and `pts` count 1 / `timescale` seconds from the first picture shown."""

    configuration: bytes
    width: int
    height: int
    timescale: int
    dts: tuple[int, ...]
    pts: tuple[int, ...]
    keys: frozenset[int] | None
    """The numbers of key frames; None where all are."""
    packets: tuple[bytes, ...]


def box(data: bytes, *path: bytes, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Where the content of a box lies: the first of its kind, in the first of each kind before it in `path`."""
    end = len(data) if end is None else end
    for kind in path:
        while data[start + 4 : start + 8] != kind:
            start += max(HEADER, int.from_bytes(data[start : start + 4]))
            if start + HEADER > end:
                return None
        start, end = start + HEADER, start + int.from_bytes(data[start : start + 4])
    return start, end


def packets(data: bytes) -> Iterator[bytes]:
    """What the track holds, in the order of decoding. Raises BrokenBoxError."""
    start, _ = _samples(data, b"stsz")
    same, count = struct.unpack_from(">II", data, start + 4)
    if count > len(data):
        raise BrokenBoxError(f"{count} packets in {len(data)} bytes")
    sizes = (same,) * count if same else struct.unpack_from(f">{count}I", data, start + 12)
    at, end = _needed(data, b"mdat")
    if at + sum(sizes) != end:
        raise BrokenBoxError(f"{end - at} bytes of packets in place of {sum(sizes)}")
    for size in sizes:
        yield data[at : at + size]
        at += size


def pictures(data: bytes) -> Pictures:
    """All of a track of pictures. Raises BrokenBoxError."""
    held = tuple(packets(data))
    if not held:
        raise BrokenBoxError("no pictures")
    start, end = _samples(data, b"stsd")
    start += 16
    width, height = struct.unpack_from(">HH", data, start + _WIDTH)
    found = (box(data, kind, start=start + _DESCRIPTION, end=end) for kind in _CONFIGURATIONS)
    configuration = next((data[first:last] for first, last in filter(None, found)), b"")
    header, _ = _needed(data, b"moov", b"trak", b"mdia", b"mdhd")
    (timescale,) = struct.unpack_from(">I", data, header + 12)
    shift = _shift(data)
    dts = [at - shift for at in accumulate(_runs(data, b"stts", "I"), initial=0)][: len(held)]
    offsets = list(_runs(data, b"ctts", "i")) or [0] * len(held)
    if not len(held) == len(dts) == len(offsets):
        raise BrokenBoxError(f"times of {len(dts)} and {len(offsets)} pictures in place of {len(held)}")
    pts = tuple(at + offset for at, offset in zip(dts, offsets, strict=True))
    return Pictures(configuration, width, height, timescale, tuple(dts), pts, _keys(data), held)


def of_alphas(packets: Sequence[bytes]) -> bytes:
    """A box with what lies beside each packet of a track; nothing if that is nothing."""
    if not any(packets):
        return b""
    held = b"".join(struct.pack(">I", len(packet)) + packet for packet in packets)
    return struct.pack(">I4s", HEADER + len(held), _ALPHAS) + held


def alphas(data: bytes) -> tuple[bytes, ...]:
    """What `of_alphas` put into a box after the others. Raises BrokenBoxError."""
    where = box(data, _ALPHAS)
    if where is None:
        return ()
    (at, end), found = where, list[bytes]()
    while at < end:
        (size,) = struct.unpack_from(">I", data, at)
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    if at != end:
        raise BrokenBoxError(f"alpha of {end - where[0]} bytes that ends at {at - where[0]}")
    return tuple(found)


def _runs(data: bytes, kind: bytes, value: str) -> Iterator[int]:
    """The values of a table that tells how often each comes; none where there is no table."""
    where = box(data, *_SAMPLES, kind)
    if where is None:
        return iter(())
    (count,) = struct.unpack_from(">I", data, where[0] + 4)
    runs = struct.iter_unpack(f">I{value}", data[where[0] + 8 : where[0] + 8 + 8 * count])
    return chain.from_iterable(repeat(each, times) for times, each in runs)


def _shift(data: bytes) -> int:
    """At which time of the track it begins to be shown."""
    where = box(data, b"moov", b"trak", b"edts", b"elst")
    if where is None:
        return 0
    version, count = data[where[0]], int.from_bytes(data[where[0] + 4 : where[0] + 8])
    if count != 1:
        raise BrokenBoxError(f"{count} edits")
    _, at = struct.unpack_from(">qq" if version else ">ii", data, where[0] + 8)
    return int(at)


def _keys(data: bytes) -> frozenset[int] | None:
    where = box(data, *_SAMPLES, b"stss")
    if where is None:
        return None
    (count,) = struct.unpack_from(">I", data, where[0] + 4)
    return frozenset(number - 1 for number in struct.unpack_from(f">{count}I", data, where[0] + 8))


def _samples(data: bytes, kind: bytes) -> tuple[int, int]:
    return _needed(data, *_SAMPLES, kind)


def _needed(data: bytes, *path: bytes) -> tuple[int, int]:
    where = box(data, *path)
    if where is None:
        raise BrokenBoxError(f"no {'/'.join(kind.decode() for kind in path)}")
    return where
