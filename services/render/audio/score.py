"""The sound of a version as chunks: what is heard when, and the names of the chunks that hold it. Pure.

Chunks are whole AAC frames of the film, and begin on a grid in the packets of their source, not of the film: so what
moves as a whole, by whole frames, keeps its chunks. Packet p of an AAC stream is made of the samples of frames p - 1
and p, and depends a little on what the encoder heard before. So each chunk is encoded from LEAD frames earlier, and the
packets of those are dropped: at the joints the error is that of one single encode.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final, assert_never

import msgspec

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.time import samples_at
from cutlog.contract.timeline import Clip, MediaRef, MediaSource, Timeline, Track, Transition
from services.render.audio.levels import Fade, Level, curve
from services.render.audio.treatment import Treatment, section_start, treatment
from services.render.plan.segments import Digest, MediaNotReadyError

FRAME: Final = 1024
"""Samples of one AAC frame, which is also how early the encoder starts."""
LEAD: Final = 8
CHUNK: Final = 96
"""Packets of a full chunk: 2.048 s."""

#: Changes whenever equal chunks would sound different from before.
REVISION: Final = 2


class Tape(msgspec.Struct, frozen=True, kw_only=True):
    """The sound of a media as is. Position p is its sample p or, `reversed`, its sample -1 - p; elsewhere silence."""

    key: str
    sha256: str
    reversed: bool = False


class Take(msgspec.Struct, frozen=True, kw_only=True):
    """Samples [start, end) of a film are, shaped by `level`, those of a source from position `offset` on.

    `start`, `end` and the level count from wherever the holder says.
    """

    source: Tape | Treatment
    start: int
    end: int
    offset: int
    level: Level = Level()

    def within(self, start: int, end: int) -> Take | None:
        """What of it can be heard in [start, end), counted from there."""
        first, last = max(self.start, start), min(self.end, end)
        if first >= last:
            return None
        level = self.level.within(first, last, start)
        if level is None:
            return None
        return Take(
            source=self.source,
            start=first - start,
            end=last - start,
            offset=self.offset + first - self.start,
            level=level,
        )

    def continued(self, other: Take) -> bool:
        """Whether the other goes on where this one ends, as if they were one."""
        return (
            self.end == other.start
            and self.offset - self.start == other.offset - other.start
            and self.level == other.level
            and self.source == other.source
        )


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Packets [first, first + packets) of a film, made of `samples` samples; `lead` packets before them are dropped."""

    digest: Digest
    first: int
    packets: int
    lead: int
    samples: int
    takes: tuple[Take, ...]


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """The whole sound: exactly `samples` samples per channel at SAMPLE_RATE, and the chunks that hold them."""

    samples: int
    bitrate: int
    chunks: tuple[Chunk, ...]

    @property
    def packets(self) -> int:
        return sum(chunk.packets for chunk in self.chunks)

    def holding(self, first: int, last: int) -> Sequence[Chunk]:
        """The chunks of packets [first, last)."""
        begins = max(0, bisect_right(self.chunks, first, key=_first) - 1)
        return self.chunks[begins : bisect_left(self.chunks, last, key=_first)]


def score(
    timeline: Timeline, bitrate: int, encoder: str, filters: str, *, snap: bool = False, chunk: int = CHUNK
) -> Score:
    """All that is heard. `encoder` is the identity of the encoder's build, `filters` that of ffmpeg's. A chunk
    has `chunk` packets as a rule.

    With `snap`, each clip is heard up to half an AAC frame, 10.7 ms, early or late, between its exact cuts, such that
    packets of one place in the film are packets of any other: see docs/decisions/108-sound-that-moves.md.
    Raises MediaNotReadyError.
    """
    takes = [take for track in timeline.tracks if not track.muted for take in _joined(_takes(track, timeline, snap))]
    samples = samples_at(timeline.duration, timeline.canvas.fps.fraction, SAMPLE_RATE)
    context = [REVISION, encoder, bitrate]
    total = -(-samples // FRAME) + 1
    chunks = []
    waiting = sorted(takes, key=lambda take: take.start, reverse=True)
    open_: list[Take] = []
    for first, last in pairwise([*_borders(takes, total, chunk), total]):
        packets = last - first
        lead = min(LEAD, first)
        start, end = (first - lead) * FRAME, (last + 1) * FRAME
        while waiting and waiting[-1].start < end:
            open_.append(waiting.pop())
        open_ = [take for take in open_ if take.end > start]
        heard = [
            (msgspec.json.encode(_ingredients(part, filters), order="deterministic"), part)
            for take in open_
            if (part := take.within(start, end))
        ]
        # In an order of their own: sums of floats depend on it.
        heard.sort(key=lambda each: each[0])
        recipe = [context, packets, lead, [msgspec.Raw(ingredients) for ingredients, _ in heard]]
        digest = Digest(hashlib.sha256(msgspec.json.encode(recipe)).hexdigest())
        parts = tuple(part for _, part in heard)
        chunks.append(Chunk(digest=digest, first=first, packets=packets, lead=lead, samples=end - start, takes=parts))
    return Score(samples=samples, bitrate=bitrate, chunks=tuple(chunks))


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


def _joined(takes: Iterable[Take]) -> Iterator[Take]:
    """One take in place of two that go on from each other: a cut that can't be heard is none."""
    last: Take | None = None
    for take in takes:
        if last is not None and last.continued(take):
            last = msgspec.structs.replace(last, end=take.end)
            continue
        if last is not None:
            yield last
        last = take
    if last is not None:
        yield last


def _first(chunk: Chunk) -> int:
    return chunk.first


def _takes(track: Track, timeline: Timeline, snap: bool) -> Iterator[Take]:
    ends = {transition.left: transition for transition in track.transitions}
    starts = {transition.right: transition for transition in track.transitions}
    for clip in track.clips:
        if (media := _sounding(clip, timeline)) is not None:
            yield from _take(clip, media, track, timeline, starts.get(clip.id), ends.get(clip.id), snap)


def _sounding(clip: Clip, timeline: Timeline) -> MediaRef | None:
    """The media whose sound a clip brings."""
    if not clip.enabled or clip.silent or not isinstance(clip.source, MediaSource):
        return None
    media = timeline.media[clip.source.media]
    if media.status != "ready":
        raise MediaNotReadyError(f"media {media.id} is {media.status}")
    return media


def _take(
    clip: Clip,
    media: MediaRef,
    track: Track,
    timeline: Timeline,
    start: Transition | None,
    end: Transition | None,
    snap: bool,
) -> Iterator[Take]:
    """The sound of a clip, with its handles under transitions; nothing where there is none."""
    audio, source = media.renditions.audio, clip.source
    if audio is None or not isinstance(source, MediaSource):
        return
    rate = timeline.canvas.fps.fraction

    def sample(frame: int) -> int:
        return samples_at(frame, rate, SAMPLE_RATE)

    first, last = clip.at, clip.at + clip.frames
    fades = []
    if clip.audio_fade_in:
        begins = first - clip.head_cut
        fades.append(Fade(sample(begins), sample(begins + clip.audio_fade_in), True))
    if clip.audio_fade_out:
        ends = last + clip.tail_cut
        fades.append(Fade(sample(ends - clip.audio_fade_out), sample(ends), False))
    used = sample(first), sample(last)
    if start is not None:
        first = clip.at - start.frames // 2
        fades.append(Fade(sample(first), sample(first + start.frames), True))
    if end is not None:
        last += end.frames - end.frames // 2
        fades.append(Fade(sample(last - end.frames), sample(last), False))
    # One shift for all of the clip, from the difference of the frames: the halves of a split clip fit without a seam.
    shift = round((_position(clip, source) - clip.at) * SAMPLE_RATE / rate)
    treated = treatment(clip, audio, shift, used, rate)
    heard = (shift + FRAME // 2) // FRAME * FRAME if snap else shift
    # What moves is the sound with the curves that shape it; cuts and fades stay.
    at = clip.at + (shift - heard) * rate / SAMPLE_RATE
    yield Take(
        source=treated or Tape(key=audio.key, sha256=audio.sha256, reversed=clip.reversed),
        start=sample(first),
        end=sample(last),
        offset=sample(first) + heard,
        level=Level(
            gain=curve(clip.gain_db, at, rate, lambda db: db + track.gain_db),
            pan=curve(clip.pan, at, rate),
            fades=tuple(fades),
        ),
    )


def _position(clip: Clip, source: MediaSource) -> Fraction:
    """Where in its source, at its speed and backwards if reversed, a clip begins: in frames."""
    begins = -source.end if clip.reversed else source.start
    if clip.speed is None:
        return Fraction(begins)
    return Fraction(begins * clip.speed.den + clip.speed.phase, clip.speed.num)


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
