"""The sound of a version as chunks: what is heard when, and the names of the chunks that hold it. Pure.

Chunks are whole AAC frames of the film, and begin on a grid in the packets of their source, not of the film: so what
moves as a whole, by whole frames, keeps its chunks. Packet p of an AAC stream is made of the samples of frames p - 1
and p, and depends a little on what the encoder heard before. So each chunk is encoded from LEAD frames earlier, and the
packets of those are dropped: at the joints the error is that of one single encode.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.time import samples_at
from cutlog.contract.timeline import Timeline
from services.render.audio.blocks import FRAME, LEAD, MARGIN, OPEN, Block, blocks, joint
from services.render.audio.takes import Take, Tape, joined, sounds
from services.render.audio.treatment import Treatment, section_start
from services.render.plan.segments import Digest

CHUNK: Final = 96
"""Packets of a full chunk: 2.048 s."""

#: Changes whenever equal chunks would sound different from before.
REVISION: Final = 2


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """Sound that is encoded in one go: `packets` packets, after `lead` more that are dropped."""

    packets: int
    lead: int
    takes: tuple[Take, ...]

    @property
    def samples(self) -> int:
        """What it is made of: the packets' own, and those of one frame more."""
        return (self.lead + self.packets + 1) * FRAME


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """The packets of a film from `first` on: those of one passage. The object `digest` holds the packets of all
    `passages`, one after the other: another film plays another one of them."""

    digest: Digest
    first: int
    passages: tuple[Passage, ...]
    played: int = 0

    @property
    def passage(self) -> Passage:
        return self.passages[self.played]

    @property
    def packets(self) -> int:
        return self.passage.packets

    @property
    def skipped(self) -> int:
        """Packets of the object before its own."""
        return sum(passage.packets for passage in self.passages[: self.played])

    @property
    def stored(self) -> int:
        """Packets of the object."""
        return sum(passage.packets for passage in self.passages)


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """The whole sound: exactly `samples` samples per channel at SAMPLE_RATE, and the chunks that hold them."""

    samples: int
    bitrate: int
    chunks: tuple[Chunk, ...]

    @property
    def packets(self) -> int:
        last = self.chunks[-1]
        return last.first + last.packets

    def holding(self, first: int, last: int) -> Sequence[Chunk]:
        """The chunks of packets [first, last)."""
        begins = max(0, bisect_right(self.chunks, first, key=_first) - 1)
        return self.chunks[begins : bisect_left(self.chunks, last, key=_first)]


class Known(msgspec.Struct, frozen=True):
    """The chunks of a version's blocks, by what makes them so, for the next version to take over. `looked` is how many
    were not taken over themselves."""

    context: bytes
    chunks: Mapping[Hashable, Chunk]
    looked: int


def score(
    timeline: Timeline, bitrate: int, encoder: str, filters: str, *, snap: bool = False, chunk: int = CHUNK
) -> Score:
    """All that is heard. `encoder` is the identity of the encoder's build, `filters` that of ffmpeg's. A chunk
    has `chunk` packets as a rule.

    With `snap`, each clip is heard up to half an AAC frame, 10.7 ms, early or late, and cut up to a frame early or
    late, such that the chunks of one place in the film are chunks of any other: see `services.render.audio.blocks`.
    Raises MediaNotReadyError.
    """
    if snap:
        return scored(timeline, bitrate, encoder, filters, None, chunk)[0]
    samples, total = _length(timeline)
    copyist = _Copyist(bitrate, encoder, filters, timeline, None)
    return Score(samples=samples, bitrate=bitrate, chunks=tuple(_exactly(timeline, total, chunk, copyist)))


def scored(
    timeline: Timeline, bitrate: int, encoder: str, filters: str, before: Known | None, chunk: int = CHUNK
) -> tuple[Score, Known]:
    """What `score` gives with `snap`, taken over from another version where that has it. Raises MediaNotReadyError."""
    samples, total = _length(timeline)
    copyist = _Copyist(bitrate, encoder, filters, timeline, before)
    chunks = tuple(_in_blocks(timeline, total, chunk, copyist))
    return Score(samples=samples, bitrate=bitrate, chunks=chunks), copyist.known


def _length(timeline: Timeline) -> tuple[int, int]:
    """In samples and in packets."""
    samples = samples_at(timeline.duration, timeline.canvas.fps.fraction, SAMPLE_RATE)
    return samples, -(-samples // FRAME) + 1


_Variant: TypeAlias = "tuple[int, int, Iterator[Take | None]]"
"""How a passage can be: its packets, its lead, and what is heard."""


class _Copyist:
    """Names chunks by all that they depend on, or takes them over from `before`."""

    def __init__(self, bitrate: int, encoder: str, filters: str, timeline: Timeline, before: Known | None) -> None:
        self._context: list[object] = [REVISION, encoder, bitrate]
        self._filters = filters
        self._all = msgspec.msgpack.encode([*self._context, filters, timeline.canvas.fps])
        self._before = before.chunks if before is not None and before.context == self._all else {}
        self._known: dict[Hashable, Chunk] = {}
        self._looked = 0

    @property
    def known(self) -> Known:
        return Known(self._all, self._known, self._looked)

    def taken_over(self, first: int, played: int, why: Hashable, make: Callable[[], Iterable[_Variant]]) -> Chunk:
        """Equal `why` make equal chunks."""
        found = self._known.get(why) or self._before.get(why)
        if found is None:
            self._looked += 1
            found = self.chunk(0, *make())
        self._known[why] = found
        return replace(found, first=first, played=played)

    def chunk(self, first: int, *variants: _Variant) -> Chunk:
        passages, recipes = [], list[list[object]]()
        for packets, lead, parts in variants:
            heard = [
                (msgspec.json.encode(_ingredients(part, self._filters), order="deterministic"), part)
                for part in parts
                if part is not None
            ]
            # In an order of their own: sums of floats depend on it.
            heard.sort(key=lambda each: each[0])
            passages.append(Passage(packets=packets, lead=lead, takes=tuple(part for _, part in heard)))
            recipes.append([packets, lead, [msgspec.Raw(ingredients) for ingredients, _ in heard]])
        recipe = [self._context, *recipes[0]] if len(recipes) == 1 else [self._context, recipes]
        digest = Digest(hashlib.sha256(msgspec.json.encode(recipe)).hexdigest())
        return Chunk(digest=digest, first=first, passages=tuple(passages))


class _Heard:
    """Takes, looked at through a window that only moves on."""

    def __init__(self, takes: Sequence[Take]) -> None:
        self._waiting = sorted(takes, key=lambda take: take.start, reverse=True)
        self._open: list[Take] = []

    def among(self, start: int, end: int) -> list[Take]:
        """Those of which something can be heard in samples [start, end)."""
        while self._waiting and self._waiting[-1].start < end:
            self._open.append(self._waiting.pop())
        self._open = [take for take in self._open if take.end > start]
        return self._open

    def passage(self, first: int, last: int, lead: int) -> _Variant:
        """Packets [first, last) of them."""
        start, end = (first - lead) * FRAME, (last + 1) * FRAME
        return last - first, lead, (take.within(start, end) for take in self.among(start, end))


def _exactly(timeline: Timeline, total: int, chunk: int, copyist: _Copyist) -> Iterator[Chunk]:
    """Everything is where it is, to the sample."""
    takes = [*joined(sound.take(timeline.canvas.fps.fraction) for sound in sounds(timeline))]
    heard = _Heard(takes)
    for first, last in pairwise([*_borders(takes, total, chunk), total]):
        yield copyist.chunk(first, heard.passage(first, last, min(LEAD, first)))


def _in_blocks(timeline: Timeline, total: int, chunk: int, copyist: _Copyist) -> Iterator[Chunk]:
    """Blocks are cut by a grid in the packets of their sources. What lies over a joint holds both of its variants."""
    rate = timeline.canvas.fps.fraction
    left: _Laid | None = None
    for block, following in pairwise([*blocks(sounds(timeline), timeline.duration, rate), None]):
        assert block is not None
        laid = _Laid(block, following, rate, total)
        first, ends = laid.first, laid.ends
        begin = first + (left.reach if left else 0) + LEAD
        lines = _lines(begin, ends[0] - (LEAD if following is None else MARGIN), chunk)

        def passage(first: int, last: int, lead: int = LEAD, laid: _Laid = laid) -> Chunk:
            why = laid.name, first, last, lead
            return copyist.taken_over(first - laid.ahead, 0, why, lambda: [laid.heard.passage(first, last, lead)])

        if left is None:
            yield passage(first, lines[0] if lines else ends[0], 0)
        else:
            yield left.over(laid, lines[0], copyist)
        for border, next_ in pairwise([*lines, *(ends if following is None else ())]):
            yield passage(border, next_)
        laid.border = lines[-1] if lines else first
        left = laid


def _lines(first: int, last: int, chunk: int) -> list[int]:
    """At least one packet in [first, last], if there are any: those on the grid."""
    return [*range(-(-first // chunk) * chunk, last + 1, chunk)] or [*range(first, min(first, last) + 1)]


class _Laid:
    """A block in its place. The next one, or the film's end, is behind one of the packets `ends`; what is heard reaches
    `reach` packets into it. `border` is where the last chunk begins that is not of this block alone."""

    def __init__(self, block: Block, following: Block | None, rate: Fraction, total: int) -> None:
        self.name, self.first, self.ahead = block.name, block.first(rate), block.ahead(rate)
        self.ends = (total + self.ahead,) if following is None else joint(block, following, rate)
        until = block.heard_until(rate)
        self.reach = 0 if until is None else max(0, -(-(until - self.ends[0] * FRAME) // FRAME))
        self.border = self.first
        self._block, self._rate = block, rate

    @cached_property
    def heard(self) -> _Heard:
        return _Heard([*joined(self._block.takes(self._rate))])

    def over(self, right: _Laid, until: int, copyist: _Copyist) -> Chunk:
        """The chunk over the joint with the next block, up to its packet `until`."""
        played = self.ends.index(right.first - right.ahead + self.ahead)
        why = self.name, self.border, self.ends, right.name, until
        return copyist.taken_over(self.border - self.ahead, played, why, lambda: self._variants(right, until))

    def _variants(self, right: _Laid, until: int) -> Iterator[_Variant]:
        start, more = self.border - LEAD, until - right.first
        lefts = self.heard.among(start * FRAME, (self.ends[-1] + more + 1) * FRAME)
        rights = right.heard.among((right.first - self.ends[-1] + start) * FRAME, (until + 1) * FRAME)
        for end in self.ends:
            window, moved = (start * FRAME, (end + more + 1) * FRAME), (right.first - end) * FRAME
            closed = (replace(take, end=end * FRAME) if take.end == OPEN else take for take in lefts)
            heard = [take.within(*window) for take in closed]
            heard += [take.within(*(edge + moved for edge in window)) for take in rights]
            yield end - self.border + more, LEAD, iter(heard)


def _borders(takes: Sequence[Take], total: int, chunk: int) -> Iterator[int]:
    """The packets at which chunks begin: on the grid of the lowest sound that is heard there.

    None is shorter than its lead, but that of a short film, or longer than two, where clips are too short for the grid.
    """
    border, least = 0, min(LEAD, chunk)
    yield border

    def onwards() -> int:
        """The next border off the grid: two chunks further, or one where that would leave too little at the end."""
        return border + (2 * chunk if total - border >= 2 * chunk + least else chunk)

    for first, last, line in _stretches(takes, total):
        for packet in range(first + (line - first) % chunk, last, chunk):
            while packet - border > 2 * chunk:
                border = onwards()
                yield border
            if packet - border >= least <= total - packet:
                border = packet
                yield border
    while total - border > 2 * chunk:
        border = onwards()
        yield border


def _stretches(takes: Sequence[Take], total: int) -> Iterator[tuple[int, int, int]]:
    """Packets [first, last) whose grid is that of one sound, and a line of it. The grid of silence begins with it."""
    begins = sorted(((-(-take.start // FRAME), number) for number, take in enumerate(takes)), reverse=True)
    heard: list[int] = []
    at = 0
    while at < total:
        while begins and begins[-1][0] <= at:
            heappush(heard, begins.pop()[1])
        while heard and takes[heard[0]].end <= at * FRAME:
            heappop(heard)
        until = min(total, begins[-1][0]) if begins else total
        if heard:
            lowest = takes[heard[0]]
            until = min(until, -(-lowest.end // FRAME))
            yield at, until, (lowest.start - lowest.offset) // FRAME
        else:
            yield at, until, at
        at = until


def _first(chunk: Chunk) -> int:
    return chunk.first


def _ingredients(take: Take, filters: str) -> list[object]:
    """All that a take's samples depend on."""
    source: list[object]
    match take.source:
        case Tape(sha256=sha256, reversed=backwards):
            source = [sha256, backwards, take.offset]
        case Treatment() as treated:
            sections = [*treated.sections(take.offset, take.offset + take.end - take.start)]
            names = [treated.name(section, filters) for section in sections]
            source = [names, take.offset - section_start(sections[0])]
        case _:
            assert_never(take.source)
    return [source, take.start, take.end, take.level]
