"""Films that ffmpeg is still writing: segments are taken out as soon as all of their pictures are there.

An MP4 is written in fragments, one from each key frame to the next, so that what is whole can be read before the rest
exists. Matroska, which keeps alpha beside pictures, is read when it is complete.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import av
import msgspec
from av.video.stream import VideoStream

from cutlog.contract.time import Fps
from cutlog.ffmpeg.fragments import Fragments
from services.render.cache.packets import BrokenFilmError, Packet, packets_of, sealed_segment

_EBML: Final = b"\x1aE\xdf\xa3"
#: Bytes of fragments that are read together: to open a film takes longer than to read it.
_AT_ONCE: Final = 32 << 20


class Growing:
    """The sealed segments of the film at `path`, in order: `lengths` are their frames.

    With `delay`, decoding of each starts just so many frames early.
    """

    def __init__(self, path: Path, fps: Fps, lengths: Sequence[int], delay: int | None = None) -> None:
        self._path, self._fps, self._delay = path, fps, delay
        self._left = list(reversed(lengths))
        self._at = 0
        self._fragments = Fragments(path)
        self._packets: list[Packet] = []

    def whole(self, *, ended: bool) -> list[bytes]:
        """Segments that became whole since the last call. Once ffmpeg has `ended`, all others, or BrokenFilmError."""
        found: list[bytes] = []
        if self._path.exists():
            for film in self._films(ended):
                found += self._cut(film)
        if ended and (self._left or self._packets):
            left = f"{len(self._left)} segments are missing; {len(self._packets)} pictures are left over"
            raise BrokenFilmError(left)
        return found

    def _films(self, ended: bool) -> Iterator[tuple[str, bytes | str]]:
        """What is new, as films of their own: format, and content or path."""
        with self._path.open("rb") as file:
            matroska = file.read(4) == _EBML
        if matroska:
            if ended and self._left:
                yield "matroska", str(self._path)
            return
        together: list[bytes] = []
        for fragment in self._fragments.new():
            together.append(fragment)
            if sum(map(len, together)) > _AT_ONCE:
                yield "mp4", b"".join((self._fragments.head, *together))
                together = []
        if together:
            yield "mp4", b"".join((self._fragments.head, *together))

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
