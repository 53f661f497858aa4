"""MP4 files that ffmpeg is still writing, in fragments: what is whole can be read before the rest exists."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

_HEAD: Final = (b"ftyp", b"moov")


class Fragments:
    """The file at `path`. A fragment and the `head` before it are a film that can be opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._moof = b""
        self.head = b""

    def new(self) -> Iterator[bytes]:
        """The fragments that became whole since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            while (found := self._box(file)) is not None:
                kind, box = found
                if kind in _HEAD:
                    self.head += box
                elif kind == b"moof":
                    self._moof = box
                elif kind == b"mdat":
                    yield self._moof + box

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
