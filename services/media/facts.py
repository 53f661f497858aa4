"""What a probed file is to an editor. Pure: from the raw probe to facts, or a sentence why it can't be used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.media import MediaFacts, MediaKind, Timing
from cutlog.contract.time import Fps
from cutlog.ffmpeg.allow import DECODERS, STILL_DEMUXERS
from cutlog.ffmpeg.clock import Clock, clock_of
from cutlog.ffmpeg.colors import ORDINARY, Coding, coding_of
from cutlog.ffmpeg.examine import GRIDS
from cutlog.ffmpeg.probing import Ratio, RawProbe, RawStream, RawTimes, RawVideo

MAX_SIDE: Final = 16_384
WIDEST: Final = 100
"""Times that a pixel may be as wide as high, or the other way."""
MAX_PIXELS: Final = 8192 * 8192
MAX_SECONDS: Final = 24 * 3600
MAX_RATE: Final = Fraction(240)
MIN_RATE: Final = Fraction(1)

#: Rates that exist; a measured one this near (as a fraction) is meant to be one of them.
RATES: Final = tuple(
    Fraction(rate)
    for rate in (
        "10", "12", "12.5", "15", "24000/1001", "24", "25", "30000/1001", "30", "48000/1001", "48", "50", "60000/1001",
        "60", "90", "100", "120000/1001", "120", "240",
    )
)  # fmt: skip
NEAR: Final = Fraction(1, 50)
#: Recorders round to milliseconds.
ROUNDED: Final = Fraction(1, 1000)
#: Sound that goes on for less than this after the last picture is what its encoder filled its last packet up with.
FILLING: Final = Fraction(1, 20)
#: A source of which more than this part is its last picture has few pictures for its length.
STANDING: Final = 4


Rhythm = Literal["regular", "holes", "own"]
"""Pictures come one by one at a rate; on its grid, but not in every frame; or as they like."""


class UnusableError(Exception):
    """The file is not media that can be edited. The message says why."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What to make of a file: its kind and facts, and which of its streams are meant (indices in the file).

    `clock`: of its pictures. Frame 0 is shown at `start` and heard at `heard`, in seconds of the file's own clock, in
    which pictures and sound may be apart. `coding`: of its colours. `foreign`: it has to be rewritten before ffmpeg
    reads it.
    """

    kind: MediaKind
    facts: MediaFacts
    video: int | None
    audio: int | None
    clock: Clock | None = None
    start: Fraction = Fraction(0)
    heard: Fraction = Fraction(0)
    coding: Coding = ORDINARY
    foreign: bool = False


def judge(raw: RawProbe) -> Judged:
    """Facts of a file. Exact where the probe has times, else as its headers claim. Raises UnusableError."""
    judged = _judged(raw)
    if raw.gain_map:
        judged = msgspec.structs.replace(judged, facts=msgspec.structs.replace(judged.facts, gain_map=True))
    return msgspec.structs.replace(judged, foreign=raw.foreign)


def rewritten(original: Judged, master: Judged) -> MediaFacts:
    """Facts of a foreign original: of a still its own; how an animation moves, its rewritten form tells exactly."""
    own = original.facts
    if original.kind == "image":
        return own
    return msgspec.structs.replace(
        master.facts, container=own.container, video_codec=own.video_codec, width=own.width, height=own.height
    )


def _judged(raw: RawProbe) -> Judged:
    picture = _first(raw, "video")
    sound = _first(raw, "audio")
    if picture is None and sound is None:
        raise UnusableError(_why_nothing(raw))
    if picture is None:
        assert sound is not None
        return _audio(raw, sound)
    _check_size(picture)
    if (raw.container in STILL_DEMUXERS and not raw.animated) or (
        raw.container in ("gif", "apng") and _pictures(picture) <= 1
    ):
        return _still(raw, picture)
    return _video(raw, picture, sound)


def _first(raw: RawProbe, kind: str) -> RawStream | None:
    """The first stream of a kind that could be decoded; a cover or thumbnail inside the file is no picture."""
    return next((s for s in raw.streams if s.kind == kind and not s.attached and s.decoded and _allowed(s)), None)


def _allowed(stream: RawStream) -> bool:
    return stream.decoder in DECODERS


def _why_nothing(raw: RawProbe) -> str:
    of_use = [stream for stream in raw.streams if stream.kind != "other" and not stream.attached]
    if not of_use:
        return "it holds neither pictures nor sound"
    refused = sorted({stream.codec for stream in of_use if not _allowed(stream)})
    if refused:
        return f"its codec is not supported: {', '.join(refused)}"
    return "nothing of it can be decoded"


def _check_size(stream: RawStream) -> None:
    video = stream.video
    assert video is not None
    width, height = video.width, video.height
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        raise UnusableError(f"its picture of {width} × {height} is beyond {MAX_PIXELS} pixels")


def _aspect(video: RawVideo) -> Ratio | None:
    """The shape of a pixel; None where the file says nothing, or what no pixel has."""
    if video.sar is None or video.sar[1] == 0:
        return None
    return video.sar if Fraction(1, WIDEST) <= Fraction(*video.sar) <= WIDEST else None


def _still(raw: RawProbe, picture: RawStream) -> Judged:
    assert picture.video is not None
    coding = coding_of(picture.video, moving=False)
    facts = MediaFacts(
        container=raw.container,
        duration="0",
        width=picture.video.width,
        height=picture.video.height,
        sar=_aspect(picture.video),
        rotation=picture.video.rotation,
        frames=1,
        video_codec=picture.codec,
        hdr=coding.hdr,
    )
    return Judged(kind="image", facts=facts, video=picture.index, audio=None, coding=coding)


def _audio(raw: RawProbe, sound: RawStream) -> Judged:
    assert sound.audio is not None
    length = _length(raw, sound)
    _check_length(length)
    facts = MediaFacts(
        container=raw.container,
        duration=decimal(length),
        audio_codec=sound.codec,
        channels=sound.audio.channels,
        sample_rate=sound.audio.sample_rate,
    )
    return Judged(kind="audio", facts=facts, video=None, audio=sound.index, heard=_start(sound))


def _video(raw: RawProbe, picture: RawStream, sound: RawStream | None) -> Judged:
    assert picture.video is not None
    rate, rhythm = _rate(picture)
    shown = _shown(raw, picture, rate, rhythm)
    start, late = _start(picture), _late(picture)
    length = _longest(shown, rate, sound, start + late)
    _check_length(length)
    frames = max(1, math.ceil(length * rate))
    coding = coding_of(picture.video, moving=True)
    timing = _timing(picture, start, rhythm == "own" or frames > STANDING * _pictures(picture))
    facts = MediaFacts(
        container=raw.container,
        duration=decimal(length),
        width=picture.video.width,
        height=picture.video.height,
        sar=_aspect(picture.video),
        rotation=picture.video.rotation,
        fps=Fps.of(rate),
        vfr=rhythm != "regular",
        frames=frames,
        video_codec=picture.codec,
        audio_codec=sound.codec if sound else None,
        channels=sound.audio.channels if sound and sound.audio else None,
        sample_rate=sound.audio.sample_rate if sound and sound.audio else None,
        start_offset=decimal(_start(sound) - start - late) if sound else "0",
        hdr=coding.hdr,
        interlaced=_fields(picture.video),
        timing=timing,
    )
    return Judged(
        kind="video",
        facts=facts,
        video=picture.index,
        audio=sound.index if sound else None,
        clock=clock_of(facts),
        start=start,
        heard=start + late,
        coding=coding,
    )


def _start(stream: RawStream) -> Fraction:
    """When the first picture is shown, or the first sample sounds, in seconds of the file's own clock: of those that
    come out of the decoder."""
    times = stream.times
    if times is not None and times.counted:
        return stream.seconds(times.decoding or 0)
    ticks = stream.first if stream.first is not None else stream.start
    if ticks is None and times is not None:
        ticks = times.first
    return stream.seconds(ticks or 0)


def _late(picture: RawStream) -> Fraction:
    """How much later than its times say a picture is shown, while sound is heard when it says."""
    times = picture.times
    return Fraction(0) if times is None or times.counted else picture.seconds(times.moved)


def _timing(picture: RawStream, start: Fraction, own: bool) -> Timing | UnsetType:
    """Unset where nobody has read all times yet."""
    times = picture.times
    if times is None:
        return UNSET
    lead = picture.seconds(times.lead + times.recovery)
    return Timing(
        start=decimal(start),
        pictures="own" if own else "counted" if times.counted else "grid",
        lead=decimal(max(Fraction(0), lead)),
    )


def _fields(video: RawVideo) -> Literal["top", "bottom"] | UnsetType:
    if not video.interlaced:
        return UNSET
    return "bottom" if video.bottom_first else "top"


def _length(raw: RawProbe, stream: RawStream) -> Fraction:
    """Seconds from a stream's start to its end, by packets, else by its header, else by the container's."""
    if stream.times is not None:
        return max(Fraction(0), stream.seconds(stream.times.end) - _start(stream))
    if stream.duration is not None:
        return stream.seconds(stream.duration)
    return Fraction(raw.duration or 0, 1_000_000)


def _check_length(seconds: Fraction) -> None:
    if seconds <= 0:
        raise UnusableError("it has no length")
    if seconds > MAX_SECONDS:
        raise UnusableError(f"it is longer than {MAX_SECONDS // 3600} hours")


def _pictures(picture: RawStream) -> int:
    return picture.times.packets if picture.times is not None else picture.frames


def _shown(raw: RawProbe, picture: RawStream, rate: Fraction, rhythm: Rhythm) -> Fraction:
    """Seconds from the first picture to the end of the last one. On a grid these are whole frames."""
    times = picture.times
    if times is None:
        return picture.frames / rate if picture.frames > 0 and rhythm == "regular" else _length(raw, picture)
    if times.counted:
        return times.packets / rate
    # The last picture has a length of its own, or is on screen for one frame.
    last = max(Fraction(0), picture.seconds(times.last) - _start(picture))
    stands = picture.seconds(_end(picture, times) - times.last) or 1 / rate
    if rhythm == "own":
        return last + stands
    return (round(last * rate) + max(1, round(stands * rate))) / rate


def _end(picture: RawStream, times: RawTimes) -> int:
    """When the last picture ends: by its packet, or by the header of a file that is whole. A header knows it where
    lengths are in order of decoding."""
    if picture.duration is None or not 0 < picture.frames <= times.read:
        return times.end
    return max(times.end, (picture.start or 0) + picture.duration - times.moved)


def _longest(shown: Fraction, rate: Fraction, sound: RawStream | None, heard: Fraction) -> Fraction:
    """The length of the longest stream from frame 0 on, which is heard at `heard`."""
    if sound is None or sound.times is None:
        return shown
    sounds = sound.seconds(sound.times.end) - heard
    return sounds if sounds - shown >= max(FILLING, 1 / rate) else shown


def _rate(picture: RawStream) -> tuple[Fraction, Rhythm]:
    """The nominal rate, and how pictures come."""
    assert picture.video is not None
    claimed = _sane(picture.video.base_rate, picture.video.average_rate)
    times = picture.times
    if times is None or times.typical <= 0:
        # One picture, or only headers to go by: where both claims differ, the rate varies.
        rate = _snapped(claimed[-1], claimed) if claimed else Fraction(25)
        differ = times is None and len(set(claimed)) > 1 and not _near(claimed[0], claimed[-1])
        return rate, "own" if differ else "regular"
    measured = 1 / picture.seconds(times.typical)
    if times.counted:
        return _snapped(measured, claimed), "regular"
    mean = _mean_rate(picture, times)
    # Coarse ticks blur the typical distance; of a regular source the mean is sharp.
    if _near(mean, measured, Fraction(1, 20)):
        measured = mean
    rate = _snapped(measured, claimed)
    if _irregular(picture, times, rate):
        # Rates such as 29.7 exist too.
        rate = max(MIN_RATE, min(MAX_RATE, mean.limit_denominator(1001)))
    if not _irregular(picture, times, rate):
        return rate, "regular"
    if times.grids:
        return _claimed([Fraction(*grid) for grid in times.grids], claimed), "holes"
    return _brisk(picture, times, claimed), "own"


def _brisk(picture: RawStream, times: RawTimes, claimed: Sequence[Fraction]) -> Fraction:
    """The slowest usual rate, up to a limit, at which no picture of an irregular source is passed over, but for one in
    fifty."""
    shortest = picture.seconds(times.brisk or times.typical)
    usual = [Fraction(*rate) for rate in GRIDS]
    enough = [rate for rate in usual if 1 / rate <= shortest + ROUNDED] or [usual[-1]]
    near = [rate for rate in enough if _near(rate, enough[0], Fraction(1, 500))]
    return _claimed(sorted(near, key=lambda rate: abs(1 / rate - shortest)), claimed)


def _claimed(rates: Sequence[Fraction], claimed: Sequence[Fraction]) -> Fraction:
    """The first of some rates, or the one that the file claims."""
    return next((rate for rate in rates if any(_near(rate, c, Fraction(1, 5000)) for c in claimed)), rates[0])


def _sane(*ratios: Ratio | None) -> list[Fraction]:
    """Those rates that can be true."""
    rates = [Fraction(*ratio) for ratio in ratios if ratio is not None]
    return [rate for rate in rates if MIN_RATE <= rate <= MAX_RATE]


def _mean_rate(picture: RawStream, times: RawTimes) -> Fraction:
    return (times.packets - 1) / picture.seconds(times.last - times.first)


def _near(one: Fraction, other: Fraction, tolerance: Fraction = NEAR) -> bool:
    return abs(one - other) <= other * tolerance


def _snapped(measured: Fraction, claimed: Sequence[Fraction]) -> Fraction:
    """The rate that a measured one is meant to be: what the file claims, a usual rate, or the measured one itself.

    Two rates such as 30 and 30000/1001 are told apart by the claim if there is one, else by which is nearer.
    """
    for rate in claimed:
        usual = min(RATES, key=lambda other: abs(other - rate))
        if _near(rate, measured) and (rate == usual or _near(usual, rate, Fraction(1, 5000))):
            return usual
    usual = min(RATES, key=lambda other: abs(other - measured))
    if _near(measured, usual, Fraction(1, 100)):
        return usual
    own = next((rate for rate in claimed if _near(rate, measured)), measured)
    return max(MIN_RATE, min(MAX_RATE, own)).limit_denominator(1001)


def _irregular(picture: RawStream, times: RawTimes, rate: Fraction) -> bool:
    """Whether a distance is off by more than a rounded tick and a tenth of a frame, or all together by half a frame."""
    frame, tick = 1 / rate, picture.seconds(1)
    allowed = max(tick * Fraction(3, 2), frame / 10)
    drift = picture.seconds(times.last - times.first) - (times.packets - 1) * frame
    if abs(drift) > max(tick * Fraction(3, 2), frame / 2):
        return True
    return any(abs(picture.seconds(gap) - frame) > allowed for gap in (times.shortest, times.longest))


def decimal(seconds: Fraction) -> str:
    """Seconds as a decimal text, rounded to microseconds, without trailing zeros."""
    micros = round(seconds * 1_000_000)
    text = format(Decimal(micros).scaleb(-6), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
