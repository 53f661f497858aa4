"""The clips of a version that are heard, and what each contributes, sample by sample. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import msgspec

from cutlog.contract.media import Rendition
from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.timeline import Clip, MediaRef, MediaSource, Timeline, Transition
from services.render.audio.levels import Fade, Level, curve
from services.render.audio.treatment import Treatment, treatment
from services.render.plan.segments import MediaNotReadyError


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


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """A clip that is heard in frames [first, last) of the film, its handles under transitions included; `lane` is the
    number of its track, and `gain_db` what that adds. `position` is where in its source, at its speed and backwards if
    reversed, the clip begins: in frames."""

    clip: Clip
    audio: Rendition
    gain_db: float
    lane: int
    first: int
    last: int
    position: Fraction
    before: Transition | None
    after: Transition | None

    @property
    def ahead(self) -> Fraction:
        """By how many frames its source is ahead of the film."""
        return self.position - self.clip.at

    @property
    def begins_at_once(self) -> bool:
        """Whether it does not fade in."""
        return self.before is None and not (self.clip.audio_fade_in and not self.clip.head_cut)

    @property
    def ends_at_once(self) -> bool:
        """Whether it does not fade out."""
        return self.after is None and not (self.clip.audio_fade_out and not self.clip.tail_cut)

    def told(self, begin: int, lane: int) -> list[object]:
        """All that it depends on, with its places counted from frame `begin`, and with another number of its track."""
        clip = msgspec.structs.replace(self.clip, id="", at=self.clip.at - begin, link=None)
        across = [each and each.frames for each in (self.before, self.after)]
        return [clip, self.audio, self.gain_db, lane, self.first - begin, self.last - begin, across]

    def goes_on_in(self, other: Sound) -> bool:
        """Whether the other begins where this one ends, in the film and in the source."""
        return (
            self.audio.sha256 == other.audio.sha256
            and self.clip.at + self.clip.frames == other.clip.at
            and self.ahead == other.ahead
            and self.clip.reversed == other.clip.reversed
            and _pace(self.clip) == _pace(other.clip)
        )

    def take(self, rate: Fraction, shift: Fraction = Fraction()) -> Take:
        """What it contributes to a film of `rate` frames per second; samples count from `shift` frames before it."""
        clip = self.clip

        def sample(frame: int) -> int:
            """The first sample at or after a frame."""
            return -(-(frame + shift) * SAMPLE_RATE // rate)

        fades = []
        if clip.audio_fade_in:
            begins = clip.at - clip.head_cut
            fades.append(Fade(sample(begins), sample(begins + clip.audio_fade_in), True))
        if clip.audio_fade_out:
            ends = clip.at + clip.frames + clip.tail_cut
            fades.append(Fade(sample(ends - clip.audio_fade_out), sample(ends), False))
        if self.before is not None:
            fades.append(Fade(sample(self.first), sample(self.first + self.before.frames), True))
        if self.after is not None:
            fades.append(Fade(sample(self.last - self.after.frames), sample(self.last), False))
        start = sample(self.first)
        # From the difference of the frames, and not of samples: the halves of a split clip fit without a seam.
        ahead = round((self.ahead - shift) * SAMPLE_RATE / rate)
        at = clip.at + shift
        return Take(
            source=treatment(clip, self.audio, self.position, rate)
            or Tape(key=self.audio.key, sha256=self.audio.sha256, reversed=clip.reversed),
            start=start,
            end=sample(self.last),
            offset=start + ahead,
            level=Level(
                gain=curve(clip.gain_db, at, rate, lambda db: db + self.gain_db),
                pan=curve(clip.pan, at, rate),
                fades=tuple(fades),
            ),
        )


def sounds(timeline: Timeline) -> Iterator[Sound]:
    """The clips that are heard, track by track. Raises MediaNotReadyError."""
    for lane, track in enumerate(timeline.tracks):
        if track.muted:
            continue
        ends = {transition.left: transition for transition in track.transitions}
        starts = {transition.right: transition for transition in track.transitions}
        for clip in track.clips:
            media = _sounding(clip, timeline)
            if media is None or media.renditions.audio is None or not isinstance(clip.source, MediaSource):
                continue
            before, after = starts.get(clip.id), ends.get(clip.id)
            yield Sound(
                clip=clip,
                audio=media.renditions.audio,
                gain_db=track.gain_db,
                lane=lane,
                first=clip.at - (before.frames // 2 if before else 0),
                last=clip.at + clip.frames + (after.frames - after.frames // 2 if after else 0),
                position=_position(clip, clip.source),
                before=before,
                after=after,
            )


def joined(takes: Iterable[Take]) -> Iterator[Take]:
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


def _sounding(clip: Clip, timeline: Timeline) -> MediaRef | None:
    """The media whose sound a clip brings."""
    if not clip.enabled or clip.silent or not isinstance(clip.source, MediaSource):
        return None
    media = timeline.media[clip.source.media]
    if media.status != "ready":
        raise MediaNotReadyError(f"media {media.id} is {media.status}")
    return media


def _position(clip: Clip, source: MediaSource) -> Fraction:
    begins = -source.end if clip.reversed else source.start
    if clip.speed is None:
        return Fraction(begins)
    return Fraction(begins * clip.speed.den + clip.speed.phase, clip.speed.num)


def _pace(clip: Clip) -> tuple[int, int, str] | None:
    return None if clip.speed is None else (clip.speed.num, clip.speed.den, clip.speed.pitch)
