"""A proxy that was made before, and what of it another one can be made of."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np

from cutlog.blobs.pieces import NotInPiecesError, Piece, Pieces, pieces_of
from cutlog.contract.time import Fps
from services.render.cache import tables
from services.render.cache.boxes import BrokenBoxError
from services.render.cache.copying import crc_of
from services.render.cache.packets import Parameters, ticks
from services.render.cache.tables import Track

_CHUNK: Final = 1 << 20

Place = tuple[bytes, int]
"""A piece: which part of a film it belongs to, and the how manieth of that it is."""


class Found(msgspec.Struct, frozen=True):
    """A piece: its track by the kind of its handler, the number of its first packet there, and its first byte in the
    file."""

    kind: bytes
    piece: Piece
    at: int
    first: int

    @property
    def place(self) -> Place:
        return self.piece.part, self.piece.number


class Earlier:
    """Pieces by their places, and how the pictures are encoded; by how many frames each picture is `decoded` and
    `shown` later than its number says. The file stays open, so it may be replaced or deleted meanwhile: `path` is a
    name of the very one that was opened."""

    def __init__(self, descriptor: int, pieces: Pieces, fps: Fps) -> None:
        self.path = Path(f"/proc/self/fd/{descriptor}")
        found = tables.tracks(tables.moov_of(pieces.head))
        self.pictures, self.sound = found[b"vide"], found[b"soun"]
        timescale, step = ticks(fps)
        if self.pictures.timescale != timescale:
            raise NotInPiecesError("its rate is another one")
        self.parameters = Parameters(*self.pictures.described(), -int(self.pictures.dts[0]) // step)
        numbers = np.arange(len(self.pictures.sizes))
        self.decoded, self.shown = self.pictures.dts // step - numbers, self.pictures.pts // step - numbers
        self._held = {(found.kind, found.first): found for found in self._read_pieces(pieces)}
        self.places = self._first_of_each()
        # What was written before the machine started may have been lost with its power: it was not synced.
        started = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        self.may_be_torn = os.fstat(descriptor).st_mtime <= started

    @classmethod
    @contextmanager
    def opened(cls, path: Path, fps: Fps) -> Iterator[Self | None]:
        """None for what is not there, not whole, or no film in pieces of that rate."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            yield None
            return
        try:
            try:
                pieces = _read(descriptor)
                film = None if pieces is None else cls(descriptor, pieces, fps)
            except (NotInPiecesError, BrokenBoxError, LookupError, struct.error):
                film = None
            yield film
        finally:
            os.close(descriptor)

    def after(self, found: Found) -> Found | None:
        """The piece of the same track that follows."""
        return self._held.get((found.kind, found.first + found.piece.packets))

    def forget_damaged(self) -> None:
        """Reads all pieces: those that are not as they were written are not there any more."""
        self._held = {
            where: found
            for where, found in self._held.items()
            if crc_of(self.path, [(found.at, found.piece.size)]) == found.piece.crc
        }
        self.places = self._first_of_each()

    def _first_of_each(self) -> dict[Place, Found]:
        places: dict[Place, Found] = {}
        for found in self._held.values():
            places.setdefault(found.place, found)
        return places

    def _read_pieces(self, pieces: Pieces) -> Iterator[Found]:
        seen = {b"vide": 0, b"soun": 0}
        of = {b"vide": self.pictures, b"soun": self.sound}
        at = len(pieces.head)
        for piece in pieces.rows:
            kind = next((kind for kind, first in seen.items() if _begins(of[kind], first, at)), None)
            if kind is None:
                raise NotInPiecesError(f"no track has a packet at {at}")
            track, first = of[kind], seen[kind]
            last = first + piece.packets - 1
            if last >= len(track.sizes) or track.offsets[last] + track.sizes[last] != at + piece.size:
                raise NotInPiecesError(f"the piece at {at} is no run of packets")
            yield Found(kind, piece, at, first)
            seen[kind] += piece.packets
            at += piece.size


def _begins(track: Track, first: int, at: int) -> bool:
    return first < len(track.sizes) and track.offsets[first] == at


def _read(descriptor: int) -> Pieces | None:
    data, size = b"", os.fstat(descriptor).st_size
    while (found := pieces_of(data)) is None:
        more = os.pread(descriptor, _CHUNK, len(data))
        if not more:
            return None
        data += more
    return found if found.size == size else None
