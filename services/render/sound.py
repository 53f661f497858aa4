"""The sound of a version as chunks: pure. What is heard when, and the names of the chunks that hold it.

Chunks lie on a grid of whole AAC frames from the start of the film. Packet p of an AAC stream is made of the samples of
frames p - 1 and p, and depends a little on what the encoder heard before. So each chunk is encoded from LEAD frames
earlier, and the packets of those are dropped: at the joints the error is that of one single encode.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final, assert_never

import msgspec

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.time import samples_at
from cutlog.contract.timeline import Clip, MediaRef, MediaSource, Timeline, Track, Transition
from services.render.levels import Fade, Level, curve
from services.render.plan import Digest, MediaNotReadyError
from services.render.treatment import Treatment, section_start, treatment

FRAME: Final = 1024
"""Samples of one AAC frame, which is also how early the encoder starts."""
LEAD: Final = 8
CHUNK: Final = 480
"""Packets of a full chunk: 10.24 s."""

#: Changes whenever equal chunks would sound different from before.
REVISION: Final = 2


class Tape(msgspec.Struct, frozen=True, kw_only=True):
    """The PCM of a media as it is. Position p is its sample p or, `reversed`, its sample -1 - p; elsewhere silence."""

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
    """`packets` packets, made of `samples` samples, the first `lead` packets of which are dropped."""

    digest: Digest
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


def score(timeline: Timeline, bitrate: int, encoder: str, filters: str) -> Score:
    """All that is heard. `encoder` is the identity of the encoder's build, `filters` that of ffmpeg's.

    Raises MediaNotReadyError.
    """
    takes = [take for track in timeline.tracks if not track.muted for take in _joined(_takes(track, timeline))]
    samples = samples_at(timeline.duration, timeline.canvas.fps.fraction, SAMPLE_RATE)
    context = [REVISION, encoder, bitrate]
    total = -(-samples // FRAME) + 1
    chunks = []
    for first in range(0, total, CHUNK):
        packets = min(CHUNK, total - first)
        lead = min(LEAD, first)
        start, end = (first - lead) * FRAME, (first + packets + 1) * FRAME
        heard = [
            (msgspec.json.encode(_ingredients(part, filters), order="deterministic"), part)
            for take in takes
            if (part := take.within(start, end))
        ]
        # In an order of their own: sums of floats depend on it.
        heard.sort(key=lambda each: each[0])
        recipe = [context, packets, lead, [msgspec.Raw(ingredients) for ingredients, _ in heard]]
        digest = Digest(hashlib.sha256(msgspec.json.encode(recipe)).hexdigest())
        parts = tuple(part for _, part in heard)
        chunks.append(Chunk(digest=digest, packets=packets, lead=lead, samples=end - start, takes=parts))
    return Score(samples=samples, bitrate=bitrate, chunks=tuple(chunks))


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


def _takes(track: Track, timeline: Timeline) -> Iterator[Take]:
    ends = {transition.left: transition for transition in track.transitions}
    starts = {transition.right: transition for transition in track.transitions}
    for clip in track.clips:
        if (media := _sounding(clip, timeline)) is not None:
            yield from _take(clip, media, track, timeline, starts.get(clip.id), ends.get(clip.id))


def _sounding(clip: Clip, timeline: Timeline) -> MediaRef | None:
    """The media whose sound a clip brings."""
    if not clip.enabled or clip.silent or not isinstance(clip.source, MediaSource):
        return None
    media = timeline.media[clip.source.media]
    if media.status != "ready":
        raise MediaNotReadyError(f"media {media.id} is {media.status}")
    return media


def _take(
    clip: Clip, media: MediaRef, track: Track, timeline: Timeline, start: Transition | None, end: Transition | None
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
    yield Take(
        source=treated or Tape(key=audio.key, sha256=audio.sha256, reversed=clip.reversed),
        start=sample(first),
        end=sample(last),
        offset=sample(first) + shift,
        level=Level(
            gain=curve(clip.gain_db, Fraction(clip.at), rate, lambda db: db + track.gain_db),
            pan=curve(clip.pan, Fraction(clip.at), rate),
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
