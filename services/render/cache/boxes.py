"""Reads MP4 files of a single track that this process's muxer wrote: segments and chunks of the cache.

There are very many of them, and to open a demuxer, which decodes pictures to know what is in them, takes longer than to
copy what they hold. Boxes are those of ISO/IEC 14496-12.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from services.render.errors import RenderError

#: Bytes of a file, in memory or mapped.
Data: TypeAlias = bytes | memoryview

#: Bytes before the content of a box.
HEADER: Final = 8
_SAMPLES: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
#: Ours: players pass over boxes that they do not know.
_ALPHAS: Final = b"alph"


class BrokenBoxError(RenderError):
    """A file is not what the muxer writes."""


def box(data: Data, *path: bytes, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
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
    start, _ = needed(data, *_SAMPLES, b"stsz")
    same, count = struct.unpack_from(">II", data, start + 4)
    if count > len(data):
        raise BrokenBoxError(f"{count} packets in {len(data)} bytes")
    sizes = (same,) * count if same else struct.unpack_from(f">{count}I", data, start + 12)
    at, end = needed(data, b"mdat")
    if at + sum(sizes) != end:
        raise BrokenBoxError(f"{end - at} bytes of packets in place of {sum(sizes)}")
    for size in sizes:
        yield data[at : at + size]
        at += size


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


def needed(data: Data, *path: bytes) -> tuple[int, int]:
    """As `box`, of what must be there. Raises BrokenBoxError."""
    where = box(data, *path)
    if where is None:
        raise BrokenBoxError(f"no {'/'.join(kind.decode() for kind in path)}")
    return where
