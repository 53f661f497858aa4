"""The sound of a version as chunks: pure. What is heard when, and the names of the chunks that hold it.

Chunks lie on a grid of whole AAC frames from the start of the film. Packet p of an AAC stream is made of the samples of
frames p - 1 and p, and depends a little on what the encoder heard before. So each chunk is encoded from LEAD frames
earlier, and the packets of those are dropped: at the joints the error is that of one single encode.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Final

import msgspec

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.properties import Keyframes
from cutlog.contract.time import samples_at
from cutlog.contract.timeline import Clip, MediaSource, Timeline, Track
from services.render.plan import Digest, MediaNotReadyError

FRAME: Final = 1024
"""Samples of one AAC frame, which is also how early the encoder starts."""
LEAD: Final = 8
CHUNK: Final = 480
"""Packets of a full chunk: 10.24 s."""

#: Changes whenever equal chunks would sound different from before.
REVISION: Final = 1


class Take(msgspec.Struct, frozen=True, kw_only=True):
    """Samples [start, end) of a film are, times the gain, those of a PCM file from `offset` on; after its end, silence.

    `start` and `end` count from wherever the holder says; `offset` may be negative: silence before the sound begins.
    """

    key: str
    sha256: str
    start: int
    end: int
    offset: int
    gain_db: float

    def within(self, start: int, end: int) -> Take | None:
        """What of it lies in [start, end), counted from there."""
        first, last = max(self.start, start), min(self.end, end)
        if first >= last:
            return None
        return Take(
            key=self.key,
            sha256=self.sha256,
            start=first - start,
            end=last - start,
            offset=self.offset + first - self.start,
            gain_db=self.gain_db,
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


def score(timeline: Timeline, bitrate: int, engine: str) -> Score:
    """All that is heard. `engine` is the identity of the encoder's build. Raises MediaNotReadyError."""
    takes = [
        take
        for track in timeline.tracks
        if not track.muted
        for clip in track.clips
        for take in _take(clip, track, timeline)
    ]
    samples = samples_at(timeline.duration, timeline.canvas.fps.fraction, SAMPLE_RATE)
    context = [REVISION, engine, bitrate]
    total = -(-samples // FRAME) + 1
    chunks = []
    for first in range(0, total, CHUNK):
        packets = min(CHUNK, total - first)
        lead = min(LEAD, first)
        start, end = (first - lead) * FRAME, (first + packets + 1) * FRAME
        heard = tuple(part for take in takes if (part := take.within(start, end)))
        recipe = [context, packets, lead, sorted(_ingredients(take) for take in heard)]
        digest = Digest(hashlib.sha256(msgspec.json.encode(recipe)).hexdigest())
        chunks.append(Chunk(digest=digest, packets=packets, lead=lead, samples=end - start, takes=heard))
    return Score(samples=samples, bitrate=bitrate, chunks=tuple(chunks))


def _take(clip: Clip, track: Track, timeline: Timeline) -> tuple[Take, ...]:
    """The sound of a clip; nothing where there is none."""
    if not clip.enabled or clip.silent or not isinstance(clip.source, MediaSource):
        return ()
    assert not isinstance(clip.gain_db, Keyframes), "plan() refused it"
    media = timeline.media[clip.source.media]
    if media.status != "ready":
        raise MediaNotReadyError(f"media {media.id} is {media.status}")
    audio = media.renditions.audio
    if audio is None:
        return ()
    rate = timeline.canvas.fps.fraction
    start = samples_at(clip.at, rate, SAMPLE_RATE)
    # One shift for all of the clip, from the difference of the frames: the halves of a split clip fit without a seam.
    shift = round(Fraction((clip.source.start - clip.at) * SAMPLE_RATE) / rate)
    return (
        Take(
            key=audio.key,
            sha256=audio.sha256,
            start=start,
            end=samples_at(clip.at + clip.frames, rate, SAMPLE_RATE),
            offset=start + shift,
            gain_db=clip.gain_db + track.gain_db,
        ),
    )


def _ingredients(take: Take) -> tuple[str, int, int, int, float]:
    return take.sha256, take.start, take.end, take.offset, take.gain_db
