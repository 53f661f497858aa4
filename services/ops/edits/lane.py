"""The clips of one track in order of time, as an immutable sequence that edits cheaply.

A clip does not know where it stands: a lane stores the gap before each clip, in chunks of at most 64 that know their
span. So a ripple that moves ten thousand clips changes one gap, and an edit copies one chunk and the tuple of chunks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from cutlog.contract.timeline import ClipContent, ColorSource
from services.ops.errors import OpsError

CHUNK = 64

_SPAN, _PIECES, _FRAMES = attrgetter("span"), attrgetter("pieces"), attrgetter("frames")


class Joint(msgspec.Struct, frozen=True):
    """A transition, as the clip on its left carries it: into which clip, and over how many frames."""

    id: str
    right: str
    kind: str
    frames: int

    @property
    def before(self) -> int:
        """Frames of it that lie before the cut: inside the left clip, and wanted from the right one's handle."""
        return self.frames // 2

    @property
    def after(self) -> int:
        """Frames of it from the cut on: inside the right clip, and wanted from the left one's handle."""
        return self.frames - self.before


class Piece(ClipContent, frozen=True, omit_defaults=True):
    """A clip without its place. `tail` is the transition at its end."""

    tail: Joint | None = None


OF_PICTURES: Final = (
    "fit", "x", "y", "scale", "rotation", "opacity", "crop", "flip_h", "flip_v", "fade_in", "fade_out", "blend",
)  # fmt: skip
"""Properties of a clip that say how it looks."""
OF_SOUNDS: Final = ("gain_db", "pan", "audio_fade_in", "audio_fade_out")
"""Properties of a clip that say how it sounds."""

_USUAL: Final = Piece("usual", 1, ColorSource(color="#000000"))


def plain(piece: Piece, names: Iterable[str]) -> Piece:
    """The same with the default values of some properties."""
    return msgspec.structs.replace(piece, **{name: getattr(_USUAL, name) for name in names})


class Placed(NamedTuple):
    """A piece on frames [at, end) of the timeline; `rank` counts the clips of the lane from 0."""

    rank: int
    at: int
    piece: Piece

    @property
    def end(self) -> int:
        return self.at + self.piece.frames


class Cut(NamedTuple):
    """The end of the `rank`-th clip, which carries a transition; `right` is the next clip, after a gap of `gap` frames.

    `previous` is the clip before it, if a transition leads from that one to it.
    """

    rank: int
    left: Piece
    gap: int
    right: Piece | None
    previous: Piece | None

    @property
    def holds(self) -> bool:
        """Whether the two clips of the transition still touch."""
        return self.right is not None and not self.gap and joined(self.left, self.right)


def joined(left: Piece, right: Piece) -> bool:
    """Whether the one carries a transition into the other."""
    return left.tail is not None and left.tail.right == right.id


class OverlapError(OpsError):
    """Two clips of a track would share frames."""

    def __init__(self, clip: str, missing: int) -> None:
        super().__init__(clip)
        self.clip = clip
        self.missing = missing


class Chunk:
    """Neighbouring pieces with the gap before each; `span` frames in all. `ids` tell where in it a clip is.

    `signature` is a cache of the resolver, and `kin` a signed chunk that most of the pieces come from.
    """

    __slots__ = ("_joined", "gaps", "ids", "kin", "pieces", "signature", "span")

    def __init__(self, gaps: tuple[int, ...], pieces: tuple[Piece, ...], kin: Chunk | None = None) -> None:
        self.gaps = gaps
        self.pieces = pieces
        self.span = sum(gaps) + sum(map(_FRAMES, pieces))
        self.ids = {piece.id: index for index, piece in enumerate(pieces)}
        self.signature: bytes | None = None
        self.kin: Chunk | None = kin if kin is None or kin.signature is not None else kin.kin
        self._joined: tuple[int, ...] | None = None

    def put(self, index: int, piece: Piece) -> Chunk:
        """The same with another piece of the same length at an index."""
        return Chunk(self.gaps, (*self.pieces[:index], piece, *self.pieces[index + 1 :]), self)

    def sign(self, signature: bytes) -> bytes:
        """Keeps a signature, which is what it returns."""
        self.signature, self.kin = signature, None
        return signature

    @property
    def joined(self) -> tuple[int, ...]:
        """Which pieces end in a transition."""
        if self._joined is None:
            self._joined = tuple(index for index, piece in enumerate(self.pieces) if piece.tail is not None)
        return self._joined


class Lane:
    """An immutable sequence of pieces that never overlap. Where each chunk begins is counted once, when asked for."""

    __slots__ = ("_chunks", "_frames", "_ranks")

    def __init__(self, chunks: tuple[Chunk, ...] = ()) -> None:
        self._chunks = chunks
        self._frames: list[int] | None = None
        self._ranks: list[int] | None = None

    @property
    def _starts(self) -> list[int]:
        """The frame at which each chunk begins, its first gap included; then the end of the lane."""
        if self._frames is None:
            self._frames = [*accumulate(map(_SPAN, self._chunks), initial=0)]
        return self._frames

    @property
    def _firsts(self) -> list[int]:
        """The rank of each chunk's first clip; then how many clips there are."""
        if self._ranks is None:
            self._ranks = [*accumulate(map(len, map(_PIECES, self._chunks)), initial=0)]
        return self._ranks

    @staticmethod
    def of(clips: Iterable[tuple[int, Piece]]) -> Lane:
        """A lane of (at, piece) in order. Raises OverlapError."""
        return Lane().splice(0, 0, tuple(clips))

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        return self._chunks

    @property
    def end(self) -> int:
        """The frame after the last clip; 0 if there is none."""
        return self._starts[-1]

    def __len__(self) -> int:
        return self._firsts[-1]

    def __bool__(self) -> bool:
        return bool(self._chunks)

    def __iter__(self) -> Iterator[Placed]:
        for number in range(len(self._chunks)):
            yield from self._placed(number)

    def _placed(self, number: int) -> Iterator[Placed]:
        """The clips of one chunk."""
        chunk, rank, at = self._chunks[number], self._firsts[number], self._starts[number]
        for gap, piece in zip(chunk.gaps, chunk.pieces, strict=True):
            at += gap
            yield Placed(rank, at, piece)
            rank, at = rank + 1, at + piece.frames

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lane) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def find(self, clip: str) -> Placed | None:
        """The clip with that id."""
        for number, chunk in enumerate(self._chunks):
            if (inside := chunk.ids.get(clip)) is not None:
                at = self._ends(number, inside) + chunk.gaps[inside]
                return Placed(self._firsts[number] + inside, at, chunk.pieces[inside])
        return None

    def after(self, frame: int) -> Placed | None:
        """The first clip that ends after `frame`: the one that covers it, or else the next."""
        number = bisect_right(self._starts, frame, 1) - 1
        if number == len(self._chunks):
            return None
        return next(placed for placed in self._placed(number) if placed.end > frame)

    def place(self, rank: int) -> Placed | None:
        """The `rank`-th clip."""
        if not 0 <= rank < len(self):
            return None
        number, inside, end = self._locate(rank)
        chunk = self._chunks[number]
        return Placed(rank, end + chunk.gaps[inside], chunk.pieces[inside])

    def joints(self, fresh: Container[int]) -> Iterator[Cut]:
        """The cuts where a clip carries a transition, in and around the chunks whose `id()` is fresh, and at the end.

        Elsewhere nothing can have changed: an edit makes the chunk after it anew, unless it is at the end.
        """
        count = len(self._chunks)
        near = {count - 1} if count else set()
        for number, chunk in enumerate(self._chunks):
            if id(chunk) in fresh:
                near.update(range(max(0, number - 1), min(count, number + 2)))
        for number in sorted(near):
            chunk = self._chunks[number]
            for index in chunk.joined:
                left = chunk.pieces[index]
                before, _ = self._neighbour(number, index - 1)
                right, gap = self._neighbour(number, index + 1)
                previous = before if before and not chunk.gaps[index] and joined(before, left) else None
                yield Cut(self._firsts[number] + index, left, gap, right, previous)

    def _neighbour(self, number: int, index: int) -> tuple[Piece | None, int]:
        """The piece at an index of a chunk, or just outside of it, with the gap before it."""
        if index < 0:
            number, index = number - 1, -1
        elif index == len(self._chunks[number].pieces):
            number, index = number + 1, 0
        if not 0 <= number < len(self._chunks):
            return None, 0
        chunk = self._chunks[number]
        return chunk.pieces[index], chunk.gaps[index]

    def put(self, rank: int, piece: Piece) -> Lane:
        """The lane with another piece of the same length in the place of the `rank`-th clip: nothing moves."""
        number, inside, _ = self._locate(rank)
        chunk = self._chunks[number]
        assert piece.frames == chunk.pieces[inside].frames, "a piece of another length moves what follows"
        lane = Lane((*self._chunks[:number], chunk.put(inside, piece), *self._chunks[number + 1 :]))
        lane._frames, lane._ranks = self._frames, self._ranks
        return lane

    def splice(self, start: int, stop: int, clips: Sequence[tuple[int, Piece]], shift: int = 0) -> Lane:
        """The lane with the clips of ranks [start, stop) replaced by (at, piece)s in order of time, and every later
        clip moved by `shift` frames. Raises OverlapError, naming the clip that is in the way."""
        first, before, at = self._locate(start)
        last, upto, after_at = self._locate(stop)
        head = self._chunks[first] if first < len(self._chunks) else None
        gaps = list(head.gaps[:before]) if head else []
        pieces = list(head.pieces[:before]) if head else []
        end = at
        for place, piece in clips:
            if place < end:
                raise OverlapError(pieces[-1].id if pieces else self._previous(start), end - place)
            gaps.append(place - end)
            pieces.append(piece)
            end = place + piece.frames
        rest = self._chunks[last:]
        if rest:
            tail, rest = rest[0], rest[1:]
            start_of_next = after_at + tail.gaps[upto] + shift
            if start_of_next < end:
                raise OverlapError(tail.pieces[upto].id, end - start_of_next)
            gaps += [start_of_next - end, *tail.gaps[upto + 1 :]]
            pieces += tail.pieces[upto:]
        # A small remainder joins its neighbour, so that chunks do not fall to pieces.
        chunks = self._chunks[:first]
        if chunks and len(pieces) + len(chunks[-1].pieces) <= CHUNK // 2:
            gaps, pieces = [*chunks[-1].gaps, *gaps], [*chunks[-1].pieces, *pieces]
            chunks = chunks[:-1]
        return Lane((*chunks, *_chunked(gaps, pieces, head or (self._chunks[-1] if self._chunks else None)), *rest))

    def _locate(self, rank: int) -> tuple[int, int, int]:
        """The `rank`-th clip's chunk, its index there, and the end of the clip before it; or one past the last."""
        assert rank <= len(self), "rank beyond the lane"
        number = bisect_right(self._firsts, rank, 1) - 1
        if number == len(self._chunks):
            return number, 0, self.end
        inside = rank - self._firsts[number]
        return number, inside, self._ends(number, inside)

    def _ends(self, number: int, inside: int) -> int:
        """Where in a chunk the clip before the one at an index ends."""
        chunk = self._chunks[number]
        frames: int = sum(chunk.gaps[:inside]) + sum(map(_FRAMES, chunk.pieces[:inside]))
        return self._starts[number] + frames

    def _previous(self, rank: int) -> str:
        previous = self.place(rank - 1) if rank else None
        return previous.piece.id if previous else ""


def _chunked(gaps: list[int], pieces: list[Piece], kin: Chunk | None) -> Iterator[Chunk]:
    count = -(-len(pieces) // CHUNK)
    for part in range(count):
        start, stop = part * len(pieces) // count, (part + 1) * len(pieces) // count
        yield Chunk(tuple(gaps[start:stop]), tuple(pieces[start:stop]), kin)
