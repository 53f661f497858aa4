"""Files in pieces: MP4s whose head says of what they are joined, so that a piece is copied without being read.

Between `moov` and `mdat` a box of kind `free`, which players skip, has a row for each piece, in the order in which they
follow each other in `mdat`. The digest of such a file is the SHA-256 of its head and of the CRC-32 of each piece: it
says as much of the bytes as a digest of the file does, and whoever copies pieces knows it beforehand.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from cutlog.contract.keys import ProxyKey, UnknownKeyError, parse_key

LABEL: Final = b"cutlog-pieces\0\0\1"
_ROW: Final = struct.Struct(">32sIIII")
_CRC: Final = struct.Struct(">I")
_BOX: Final = struct.Struct(">I4s")
_LONG: Final = struct.Struct(">I4sQ")
_HEAD: Final = (b"ftyp", b"moov", b"free")
MAX_HEAD: Final = 256 << 20
"""Bytes before the media of a file in pieces, at most."""


class Piece(msgspec.Struct, frozen=True):
    """A run of packets of one track: the `part` of the film that it belongs to, the how manieth of that it is, how many
    packets it has, their bytes together, and the CRC-32 of these."""

    part: bytes
    number: int
    packets: int
    size: int
    crc: int


class NotInPiecesError(ValueError):
    """The file has no table of pieces."""


class Pieces(msgspec.Struct, frozen=True):
    """`head` are all bytes before the first piece."""

    head: bytes
    rows: tuple[Piece, ...]

    @property
    def digest(self) -> str:
        """In hex: that of the whole file, as it should be."""
        sha256 = hashlib.sha256(self.head)
        sha256.update(b"".join(_CRC.pack(row.crc) for row in self.rows))
        return sha256.hexdigest()

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return len(self.head) + sum(row.size for row in self.rows)


def table_of(rows: Iterable[Piece]) -> bytes:
    """The box with the rows."""
    body = LABEL + b"".join(_ROW.pack(row.part, row.number, row.packets, row.size, row.crc) for row in rows)
    return _BOX.pack(_BOX.size + len(body), b"free") + body


def media_box(size: int) -> bytes:
    """What stands before `size` bytes of pieces."""
    if size + _BOX.size < 1 << 32:
        return _BOX.pack(size + _BOX.size, b"mdat")
    return _LONG.pack(1, b"mdat", size + _LONG.size)


def pieces_of(data: bytes) -> Pieces | None:
    """The pieces of the file that begins with `data`; None if more of it must be known. Raises NotInPiecesError."""
    at, rows = 0, None
    while True:
        if len(data) < at + _BOX.size:
            return None
        size, kind = _BOX.unpack_from(data, at)
        if kind == b"mdat":
            break
        if kind not in _HEAD or size < _BOX.size or at + size > MAX_HEAD:
            raise NotInPiecesError(f"a box {kind!r} of {size} bytes")
        if len(data) < at + size:
            return None
        if kind == b"free" and data[at + _BOX.size : at + _BOX.size + len(LABEL)] == LABEL:
            rows = tuple(_rows(data[at + _BOX.size + len(LABEL) : at + size]))
        at += size
    if rows is None:
        raise NotInPiecesError("no table")
    length = _LONG.size if size == 1 else _BOX.size
    return Pieces(data[: at + length], rows) if len(data) >= at + length else None


def _rows(table: bytes) -> Iterator[Piece]:
    if len(table) % _ROW.size:
        raise NotInPiecesError(f"a table of {len(table)} bytes")
    for part, number, packets, size, crc in _ROW.iter_unpack(table):
        yield Piece(part, number, packets, size, crc)


class PlainDigest:
    """The SHA-256 of what it is fed."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def update(self, data: bytes) -> None:
        self._sha256.update(data)

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


class FilmDigest:
    """The digest of a file that may be in pieces: fed with its bytes, in order. Of another file, its SHA-256."""

    def __init__(self) -> None:
        self._start = bytearray()
        self._sha256 = hashlib.sha256()
        self._sizes: Iterator[int] | None = None
        self._left, self._crc = 0, 0
        self._known = False

    def update(self, data: bytes) -> None:
        if self._known:
            self._take(data)
            return
        self._start += data
        try:
            found = pieces_of(bytes(self._start))
        except NotInPiecesError:
            found, self._known = None, True
        else:
            if found is None:
                return
            self._known = True
        start, self._start = bytes(self._start), bytearray()
        if found is None:
            self._take(start)
            return
        self._sha256.update(found.head)
        self._sizes = iter([row.size for row in found.rows])
        self._left = next(self._sizes, 0)
        self._take(start[len(found.head) :])

    def hexdigest(self) -> str:
        sha256 = self._sha256.copy()
        sha256.update(self._start)
        if self._left:  # it ends within a piece
            sha256.update(_CRC.pack(self._crc))
        return sha256.hexdigest()

    def _take(self, data: bytes) -> None:
        view = memoryview(data)
        while self._sizes is not None and view:
            if not self._left:  # there is more than the pieces
                self._sizes = None
                break
            part, view = view[: self._left], view[self._left :]
            self._crc, self._left = zlib.crc32(part, self._crc), self._left - len(part)
            if not self._left:
                self._sha256.update(_CRC.pack(self._crc))
                self._left, self._crc = next(self._sizes, 0), 0
        self._sha256.update(view)


def digester(key: str) -> PlainDigest | FilmDigest:
    """What computes the digest under which the object at `key` was reported: of a proxy, by its pieces."""
    try:
        film = isinstance(parse_key(key), ProxyKey)
    except UnknownKeyError:
        film = False
    return FilmDigest() if film else PlainDigest()
