"""Joins the segments and chunks of a proxy into a file in pieces: tables are made as arrays, media are copied by the
kernel, from file to file.

What an earlier film has in a row is copied in a row, with its tables; all else comes from the cache and from edit
proxies, and is looked at once to see that it is whole. See `cutlog.blobs.pieces` for the file.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import lcm
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np

from cutlog.blobs.pieces import Piece, Pieces, media_box, table_of
from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.time import Fps
from services.render.audio.blocks import FRAME
from services.render.audio.score import Chunk, Score
from services.render.cache import tables
from services.render.cache.boxes import BrokenBoxError
from services.render.cache.copying import EndedEarlyError, Range, append, crc_of, mapped
from services.render.cache.earlier import Earlier, Found
from services.render.cache.heads import Laid, head
from services.render.cache.packets import (
    BrokenFilmError,
    DamagedSegmentError,
    Parameters,
    TornSegmentError,
    in_frames,
    ticks,
    unseal,
)
from services.render.cache.tables import Flags, Numbers, Track
from services.render.plan.segments import Copied, Digest, Encoded, Plan, Segment
from services.render.produce.receipts import segment_name
from services.render.produce.stitch import ParametersDifferError

SOUND_PIECE: Final = 48
"""Packets of sound that lie together: pictures and sound of one moment are about a second apart in the file."""

Kind = Literal[b"vide", b"soun"]


class Part(msgspec.Struct, frozen=True):
    """A segment of pictures or a chunk of sound as a film needs it: its name, and the packets of each of its pieces."""

    kind: Kind
    name: bytes
    of: Segment | Chunk
    counts: tuple[int, ...]


class Spot(msgspec.Struct, frozen=True):
    """A piece, and where its bytes lie."""

    piece: Piece
    path: Path
    ranges: tuple[Range, ...]


class Stretch(msgspec.Struct, frozen=True):
    """Packets in a row: their sizes. Of pictures: by how many frames each is decoded and shown later than its number
    says, and whether it is a key frame."""

    sizes: Numbers
    decoded: Numbers
    shown: Numbers
    keys: Flags


class Loaded(msgspec.Struct, frozen=True):
    """A part that does not come from an earlier film; what describes it, and how its pictures are encoded."""

    spots: tuple[Spot, ...]
    stretch: Stretch
    trak: bytes
    parameters: Parameters | None


def parts_of(plan: Plan, score: Score) -> list[Part]:
    """All parts of a film: its pictures in order, then its sound."""
    pictures = [Part(b"vide", _name(segment), segment, (segment.frames,)) for segment in plan.segments]
    sound = [Part(b"soun", _played(chunk), chunk, _shared(chunk.packets)) for chunk in score.chunks]
    return pictures + sound


def _shared(packets: int) -> tuple[int, ...]:
    return tuple(min(SOUND_PIECE, packets - start) for start in range(0, packets, SOUND_PIECE))


def _played(chunk: Chunk) -> bytes:
    """The name of what a film plays of a chunk: of one with several passages, it plays one."""
    if len(chunk.passages) == 1:
        return bytes.fromhex(chunk.digest)
    return hashlib.sha256(f"{chunk.digest}:{chunk.played}".encode()).digest()


def _name(segment: Segment) -> bytes:
    if isinstance(segment, Encoded):
        return bytes.fromhex(segment.digest)
    return hashlib.sha256(segment_name(segment).encode()).digest()


class Joining:
    """A film that is about to be joined. What `earlier` has of it is taken from there."""

    def __init__(self, plan: Plan, score: Score, earlier: Earlier | None = None) -> None:
        self._plan, self._score = plan, score
        self._parts = parts_of(plan, score)
        self._earlier = earlier
        self._found = [None] * len(self._parts) if earlier is None else list(_sought(self._parts, earlier))

    def needs(self) -> tuple[set[Digest], set[str]]:
        """The segments and chunks of the cache, and the SHA-256 of the edit proxies, that it is made of besides."""
        digests, proxies = set[Digest](), set[str]()
        for part in self._lacking().values():
            if isinstance(part.of, Copied):
                proxies.add(part.of.source.sha256)
            else:
                digests.add(part.of.digest)
        return digests, proxies

    def write(self, files: Mapping[Digest, Path], proxies: Mapping[str, Path], out: Path, threads: int = 1) -> str:
        """Writes the film; its digest. `files` and `proxies` have what it needs.

        Raises ParametersDifferError, DamagedSegmentError, BrokenFilmError.
        """
        shelf, lacking = _Shelf(files, proxies, self._plan.fps), self._lacking()
        with ThreadPoolExecutor(threads) as pool:
            loaded = dict(zip(lacking, pool.map(shelf.load, lacking.values()), strict=True))
        self._compare(loaded)
        spots = [spot for part, found in self._both() for spot in self._spots(part, found, loaded)]
        order = self._order(spots)
        pieces = self._headed(spots, order, loaded)
        with out.open("wb", buffering=0) as file:
            file.write(pieces.head)
            for path, start, size in _merged(spots[number] for number in order):
                try:
                    append(file.fileno(), path, start, size)
                except (FileNotFoundError, EndedEarlyError) as error:
                    raise _gone(part for part in lacking.values() if loaded[part.name].spots[0].path == path) from error
        return pieces.digest

    def _both(self) -> Iterator[tuple[Part, tuple[Found, ...] | None]]:
        return zip(self._parts, self._found, strict=True)

    def _lacking(self) -> dict[bytes, Part]:
        return {part.name: part for part, found in self._both() if found is None}

    def _spots(self, part: Part, found: tuple[Found, ...] | None, loaded: Mapping[bytes, Loaded]) -> Iterable[Spot]:
        if found is None or self._earlier is None:
            return loaded[part.name].spots
        path = self._earlier.path
        return [Spot(each.piece, path, ((each.at, each.piece.size),)) for each in found]

    def _stretches(self, kind: Kind, loaded: Mapping[bytes, Loaded]) -> Iterator[Stretch]:
        """All packets of a track. What is in a row in the earlier film is one stretch."""
        first = last = 0
        for part, found in self._both():
            if part.kind != kind:
                continue
            for each in found or ():
                if each.first != last:
                    yield from self._stretch(kind, first, last)
                    first = each.first
                last = each.first + each.piece.packets
            if found is None:
                yield from self._stretch(kind, first, last)
                first = last = 0
                yield loaded[part.name].stretch
        yield from self._stretch(kind, first, last)

    def _stretch(self, kind: Kind, first: int, last: int) -> Iterator[Stretch]:
        if (earlier := self._earlier) is None or first == last:
            return
        packets = slice(first, last)
        if kind == b"vide":
            of = earlier.pictures
            yield Stretch(of.sizes[packets], earlier.decoded[packets], earlier.shown[packets], of.keys[packets])
        else:
            yield Stretch(earlier.sound.sizes[packets], _NONE, _NONE, _NO_KEYS)

    def _compare(self, loaded: Mapping[bytes, Loaded]) -> None:
        """Raises ParametersDifferError, DamagedSegmentError."""
        earlier = None if self._earlier is None else self._earlier.parameters
        found = [
            (part.of, loaded[part.name].parameters if had is None else earlier)
            for part, had in self._both()
            if part.kind == b"vide"
        ]
        expected = next((its for each, its in found if isinstance(each, Encoded)), found[0][1])
        differing = [each for each, its in found if its != expected]
        for each in differing:
            if isinstance(each, Encoded):
                raise DamagedSegmentError(each.digest)
        if differing:
            raise ParametersDifferError(frozenset(each.source.sha256 for each in differing if isinstance(each, Copied)))

    def _order(self, spots: Sequence[Spot]) -> list[int]:
        """The pieces as they follow each other in the file: by their time, sound before pictures."""
        timescale, step = ticks(self._plan.fps)
        begins, frame, packet = list[tuple[int, bool, int]](), 0, 0
        pictures = len(self._plan.segments)
        for number, spot in enumerate(spots):
            if number < pictures:
                begins.append((frame * step * SAMPLE_RATE // timescale, True, number))
                frame += spot.piece.packets
            else:
                begins.append(((packet - 1) * FRAME, False, number))
                packet += spot.piece.packets
        return [number for _, _, number in sorted(begins)]

    def _headed(self, spots: Sequence[Spot], order: Sequence[int], loaded: Mapping[bytes, Loaded]) -> Pieces:
        sizes = np.array([spot.piece.size for spot in spots], np.int64)
        packets = np.array([spot.piece.packets for spot in spots], np.int64)
        offsets = np.empty(len(spots), np.int64)
        offsets[order] = np.cumsum(sizes[order]) - sizes[order]
        whole, count = int(sizes.sum()), len(self._plan.segments)
        tracks = [
            self._pictures(packets[:count], offsets[:count], loaded),
            self._sound(packets[count:], offsets[count:], loaded),
        ]
        rows = tuple(spots[number].piece for number in order)
        # Edit lists are in this unit: with milliseconds, sound and pictures would end at different moments.
        start = head(tracks, lcm(tracks[0].timescale, SAMPLE_RATE), whole, table_of(rows))
        return Pieces(start + media_box(whole), rows)

    def _pictures(self, packets: Numbers, offsets: Numbers, loaded: Mapping[bytes, Loaded]) -> Laid:
        timescale, step = ticks(self._plan.fps)
        stretches = list(self._stretches(b"vide", loaded))
        numbers = np.arange(packets.sum())
        decoded = numbers + np.concatenate([each.decoded for each in stretches])
        shown = numbers + np.concatenate([each.shown for each in stretches])
        return Laid(
            like=self._like(b"vide", loaded), timescale=timescale,
            sizes=np.concatenate([each.sizes for each in stretches]), dts=(decoded - decoded[0]) * step,
            pts=(shown - decoded[0]) * step, keys=np.concatenate([each.keys for each in stretches]),
            early=-int(decoded[0]) * step, last=step, shown=len(numbers) * step, packets=packets, offsets=offsets,
        )  # fmt: skip

    def _sound(self, packets: Numbers, offsets: Numbers, loaded: Mapping[bytes, Loaded]) -> Laid:
        """The first packet holds what the encoder made before sample 0; players skip it by its time."""
        sizes = np.concatenate([each.sizes for each in self._stretches(b"soun", loaded)])
        times = np.arange(len(sizes)) * FRAME
        return Laid(
            like=self._like(b"soun", loaded), timescale=SAMPLE_RATE, sizes=sizes, dts=times, pts=times,
            keys=np.ones(len(sizes), np.bool_), early=FRAME, last=self._score.samples - (len(sizes) - 2) * FRAME,
            shown=self._score.samples, packets=packets, offsets=offsets,
        )  # fmt: skip

    def _like(self, kind: Kind, loaded: Mapping[bytes, Loaded]) -> bytes:
        """What describes a track: its first part, or the earlier film, if that has it."""
        part, found = next((part, found) for part, found in self._both() if part.kind == kind)
        if found is None or self._earlier is None:
            return loaded[part.name].trak
        return (self._earlier.pictures if kind == b"vide" else self._earlier.sound).trak


_NONE: Final[Numbers] = np.zeros(0, np.int64)
_NO_KEYS: Final[Flags] = np.zeros(0, np.bool_)


def _sought(parts: Sequence[Part], earlier: Earlier) -> Iterator[tuple[Found, ...] | None]:
    """The pieces of each part in the earlier film, None where it has not all: those that go on where the part before
    ended, if it has the part more than once."""
    following: Found | None = None
    for part in parts:
        found = list[Found]()
        for number, count in enumerate(part.counts):
            place = part.name, number
            each = following if following is not None and following.place == place else earlier.places.get(place)
            if each is None or each.piece.packets != count:
                break
            found.append(each)
            following = earlier.after(each)
        yield tuple(found) if len(found) == len(part.counts) else None


class _Shelf:
    """Parts as they are stored."""

    def __init__(self, files: Mapping[Digest, Path], proxies: Mapping[str, Path], fps: Fps) -> None:
        self._files, self._proxies, self._fps = files, proxies, fps
        self._reels: dict[str, Track] = {}

    def load(self, part: Part) -> Loaded:
        """Raises DamagedSegmentError, BrokenFilmError."""
        if isinstance(part.of, Copied):
            return self._copied(part, part.of)
        try:
            return self._cached(part, self._files[part.of.digest])
        except (FileNotFoundError, EndedEarlyError, TornSegmentError, BrokenBoxError, struct.error) as error:
            raise DamagedSegmentError(part.of.digest) from error

    def _cached(self, part: Part, path: Path) -> Loaded:
        body = unseal(mapped(path))
        first, stored = (0, sum(part.counts)) if not isinstance(part.of, Chunk) else (part.of.skipped, part.of.stored)
        track = tables.tracks(tables.moov_of(body)).get(part.kind)
        if track is None or len(track.sizes) != stored:
            raise BrokenBoxError(f"it has not {stored} packets")
        decoded = shown = _NONE
        parameters = None
        if part.kind == b"vide":
            numbers = np.arange(len(track.sizes))
            decoded, shown = (
                in_frames(times, track.timescale, self._fps) - numbers for times in (track.dts, track.pts)
            )
            parameters = Parameters(*track.described(), -int(decoded[0]))
        own, spots = slice(first, first + sum(part.counts)), list[Spot]()
        for number, count in enumerate(part.counts):
            packets = slice(first, first + count)
            ranges = _ranges(track.offsets[packets], track.sizes[packets])
            crc = 0
            for start, size in ranges:
                if start + size > len(body):
                    raise BrokenBoxError(f"a packet ends at {start + size} of {len(body)} bytes")
                crc = zlib.crc32(body[start : start + size], crc)
            piece = Piece(part.name, number, count, sum(size for _, size in ranges), crc)
            spots.append(Spot(piece, path, ranges))
            first += count
        return Loaded(tuple(spots), Stretch(track.sizes[own], decoded, shown, track.keys[own]), track.trak, parameters)

    def _copied(self, part: Part, segment: Copied) -> Loaded:
        """Frames of an edit proxy."""
        path = self._proxies[segment.source.sha256]
        try:
            track = self._reels.get(segment.source.sha256) or tables.pictures(tables.moov_of(mapped(path)))
        except (FileNotFoundError, BrokenBoxError, struct.error) as error:
            raise BrokenFilmError(f"an edit proxy can't be read: {error}") from error
        self._reels[segment.source.sha256] = track
        run = slice(segment.first, segment.first + segment.frames)
        numbers = np.arange(run.start, run.stop)
        if not np.array_equal(in_frames(track.pts[run], track.timescale, self._fps), numbers):
            raise BrokenFilmError(f"an edit proxy lacks frames from {segment.first} on")
        if not track.keys[segment.first]:
            raise BrokenFilmError(f"frame {segment.first} of an edit proxy is no key frame")
        ranges = _ranges(track.offsets[run], track.sizes[run])
        try:
            crc = crc_of(path, ranges)
        except (FileNotFoundError, EndedEarlyError) as error:
            raise BrokenFilmError(f"an edit proxy lacks frames from {segment.first} on") from error
        piece = Piece(part.name, 0, segment.frames, sum(size for _, size in ranges), crc)
        none = np.zeros(segment.frames, np.int64)
        stretch = Stretch(track.sizes[run], none, none, track.keys[run])
        return Loaded((Spot(piece, path, ranges),), stretch, track.trak, Parameters(*track.described(), 0))


def _ranges(offsets: Numbers, sizes: Numbers) -> tuple[Range, ...]:
    """Packets as runs of bytes that follow each other."""
    ends = offsets + sizes
    first = np.concatenate(([0], np.flatnonzero(offsets[1:] != ends[:-1]) + 1)).astype(np.int64)
    last = np.append(first[1:], len(offsets)) - 1
    return tuple(zip(offsets[first].tolist(), (ends[last] - offsets[first]).tolist(), strict=True))


def _merged(spots: Iterable[Spot]) -> Iterator[tuple[Path, int, int]]:
    """What is to be copied, in order; what follows each other in a file is one."""
    path, start, size = Path(), 0, 0
    for spot in spots:
        for first, count in spot.ranges:
            if spot.path is path and first == start + size:
                size += count
                continue
            if size:
                yield path, start, size
            path, start, size = spot.path, first, count
    if size:
        yield path, start, size


def _gone(parts: Iterable[Part]) -> DamagedSegmentError | BrokenFilmError:
    """What is missed of a part whose file is gone, or shorter than it was."""
    part = next(iter(parts), None)
    if part is None or isinstance(part.of, Copied):
        return BrokenFilmError("an edit proxy, or an earlier film, is gone")
    return DamagedSegmentError(part.of.digest)
