"""Films that ffmpeg is still writing: segments are taken out as soon as all of their pictures are there.

An MP4 is written in fragments, one from each key frame to the next, so that what is whole can be read before the rest
exists. Matroska, which keeps alpha beside pictures, is read when it is complete.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import av
import msgspec
from av.video.stream import VideoStream

from cutlog.contract.time import Fps
from services.render.cache.packets import BrokenFilmError, Packet, packets_of, sealed_segment

_EBML: Final = b"\x1aE\xdf\xa3"
_HEAD: Final = (b"ftyp", b"moov")
#: Bytes of fragments that are read together: to open a film takes longer than to read it.
_AT_ONCE: Final = 32 << 20


class Growing:
    """The sealed segments of the film at `path`, in order: `lengths` are their frames.

    With `delay`, decoding of each starts just so many frames early.
    """

    def __init__(self, path: Path, fps: Fps, lengths: Sequence[int], delay: int | None = None) -> None:
        self._path, self._fps, self._delay = path, fps, delay
        self._left = list(reversed(lengths))
        self._at = self._offset = 0
        self._head = self._fragment = b""
        self._packets: list[Packet] = []

    def whole(self, *, ended: bool) -> list[bytes]:
        """Segments that became whole since the last call. Once ffmpeg has `ended`, all others, or BrokenFilmError."""
        found: list[bytes] = []
        if self._path.exists():
            with self._path.open("rb") as file:
                for film in self._films(file, ended):
                    found += self._cut(film)
        if ended and (self._left or self._packets):
            left = f"{len(self._left)} segments are missing; {len(self._packets)} pictures are left over"
            raise BrokenFilmError(left)
        return found

    def _films(self, file: BinaryIO, ended: bool) -> Iterator[tuple[str, bytes | str]]:
        """What is new, as films of their own: format, and content or path."""
        if file.read(4) == _EBML:
            if ended and self._left:
                yield "matroska", str(self._path)
            return
        fragments: list[bytes] = []
        while (found := self._box(file)) is not None:
            kind, box = found
            if kind in _HEAD:
                self._head += box
            elif kind == b"moof":
                self._fragment = box
            elif kind == b"mdat":
                fragments += (self._fragment, box)
                if sum(map(len, fragments)) > _AT_ONCE:
                    yield "mp4", b"".join((self._head, *fragments))
                    fragments = []
        if fragments:
            yield "mp4", b"".join((self._head, *fragments))

    def _box(self, file: BinaryIO) -> tuple[bytes, bytes] | None:
        """The next box, once all of it is written."""
        file.seek(self._offset)
        head = file.read(16)
        if len(head) < 8:
            return None
        size, kind = struct.unpack(">I4s", head[:8])
        if size == 1 and len(head) == 16:
            size = int.from_bytes(head[8:])
        file.seek(self._offset)
        box = file.read(size)
        if size < 8 or len(box) < size:
            return None
        self._offset += size
        return kind, box

    def _cut(self, film: tuple[str, bytes | str]) -> Iterator[bytes]:
        kind, content = film
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        with av.open(source, "r", format=kind) as container:
            stream = container.streams.video[0]
            self._packets += packets_of(container, stream, self._fps)
            while self._left and len(self._packets) >= self._left[-1]:
                yield self._segment(stream, self._left.pop())

    def _segment(self, stream: VideoStream, length: int) -> bytes:
        part, self._packets = self._packets[:length], self._packets[length:]
        at, self._at = self._at, self._at + length
        if not part[0].key or {packet.pts for packet in part} != set(range(at, at + length)):
            raise BrokenFilmError(f"frames {at} to {at + length} do not stand alone")
        own = [msgspec.structs.replace(packet, pts=packet.pts - at, dts=packet.dts - at) for packet in part]
        return sealed_segment(stream, self._fps, own, self._delay)
