"""Run inside the sandbox, by the examiner: whether pictures are transparent, and how their colours relate to alpha.

Imports the standard library only, and never touches cutlog: the sandbox does not show it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

#: Pictures that are looked at, and pixels of them together, before a channel of alpha is taken at its word.
PICTURES, PIXELS = 240, 1 << 28
#: Boxes of a file of MP4's family that are looked at.
BOXES = 10_000
#: Graphics modes of QuickTime: alpha is multiplied into the colours, over white or over black.
MATTES = {0x101: "white", 0x102: "black"}
#: TIFF's tag for channels beyond colours, and its value for alpha that is multiplied into them.
EXTRA_SAMPLES, ASSOCIATED = 338, 1


def found(av: Any, opened: Callable[[], Any], path: str, name: str, stream: Any) -> dict[str, Any]:
    """Whether pictures are transparent somewhere, and over which colour alpha was multiplied into their colours."""
    if not alpha_mode(stream):
        if not channel(av, stream.codec_context.pix_fmt):
            return {}
        with opened() as container:
            if not transparent(av, container, container.streams[stream.index]):
                return {}
    return {"alpha": True, "matte": matte(name, path, stream.id)}


def alpha_mode(stream: Any) -> bool:
    """Whether the file says that each picture has a second one that is its alpha, as in WebM. PyAV's own decoders of
    VP8 and VP9 do not see it."""
    return any(name.lower() == "alpha_mode" and value == "1" for name, value in stream.metadata.items())


def channel(av: Any, pix_fmt: str | None) -> bool:
    """Whether pictures of this format have room for alpha; so has the palette of `pal8`."""
    if pix_fmt is None:
        return False
    return pix_fmt == "pal8" or any(component.is_alpha for component in av.VideoFormat(pix_fmt).components)


def transparent(av: Any, container: Any, stream: Any) -> bool:
    """Whether a stream with a channel of alpha uses it: many have one that is opaque everywhere."""
    pixels = count = 0
    try:
        for packet in container.demux(stream):
            for frame in packet.decode():
                count, pixels = count + 1, pixels + frame.width * frame.height
                if count > PICTURES or pixels > PIXELS or not opaque(frame):
                    return True
    except av.FFmpegError:
        pass
    return False


def opaque(frame: Any) -> bool:
    shown = frame.reformat(format="rgba")
    plane, row = shown.planes[0], 4 * shown.width
    data = memoryview(plane).cast("B")
    starts = range(0, plane.line_size * shown.height, plane.line_size)
    return all(bytes(data[start : start + row])[3::4].count(255) == shown.width for start in starts)


def matte(name: str, path: str, track: int) -> str | None:
    """The colour over which a file says that alpha was multiplied into the colours of a stream; None if it does not
    say so."""
    with open(path, "rb") as file:  # noqa: PTH123 - as few imports as can be
        if "mov" in name.split(","):
            return MATTES.get(graphics_mode(file, track))
        return "black" if name == "tiff_pipe" and extra_sample(file) == ASSOCIATED else None


def graphics_mode(file: BinaryIO, track: int) -> int:
    """How a track of a MOV is to be drawn (ISO/IEC 14496-12, `vmhd`)."""
    end = file.seek(0, os.SEEK_END)
    for kind, start, stop in boxes(file, 0, end):
        if kind != b"moov":
            continue
        for inner, first, last in boxes(file, start, stop):
            if inner == b"trak" and track_id(file, first, last) == track:
                header = content(file, first, last, b"mdia", b"minf", b"vmhd")
                return int.from_bytes(header[4:6], "big")
    return 0


def track_id(file: BinaryIO, start: int, end: int) -> int:
    header = content(file, start, end, b"tkhd")
    at = 20 if header[:1] == b"\1" else 12
    return int.from_bytes(header[at : at + 4], "big")


def content(file: BinaryIO, start: int, end: int, *path: bytes) -> bytes:
    """The beginning of what the first box of each kind in another holds."""
    for kind in path:
        start, end = next(((first, last) for name, first, last in boxes(file, start, end) if name == kind), (0, 0))
    file.seek(start)
    return file.read(min(64, end - start))


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two places: the kind of each, and where its content begins and ends."""
    for _ in range(BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        head = file.read(16)
        size, kind, first = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if size == 1:
            size, first = int.from_bytes(head[8:16], "big"), start + 16
        stop = end if size == 0 else start + size
        if not first <= stop <= end:
            return
        yield kind, first, stop
        start = stop


def extra_sample(file: BinaryIO) -> int:
    """What the first channel beyond colours of a TIFF's first picture means; 0 if there is none, or nobody said."""
    file.seek(0)
    head = file.read(8)
    order: Any = "little" if head[:2] == b"II" else "big"
    file.seek(int.from_bytes(head[4:8], order))
    entries = file.read(2 + 12 * int.from_bytes(file.read(2), order))
    for at in range(0, len(entries) - 11, 12):
        if int.from_bytes(entries[at : at + 2], order) == EXTRA_SAMPLES:
            return int.from_bytes(entries[at + 8 : at + 10], order)
    return 0
