"""What a probed file is to an editor. Pure: from the raw probe to facts, or a sentence why it can't be used."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from cutlog.contract.media import MediaFacts, MediaKind
from cutlog.contract.time import Fps
from cutlog.ffmpeg.allow import DECODERS, STILL_DEMUXERS
from cutlog.ffmpeg.colors import ORDINARY, Coding, coding_of
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


class UnusableError(Exception):
    """The file is not media that can be edited. The message says why."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What to make of a file: its kind and facts, and which of its streams are meant (indices in the file).

    `begins`: the time of the first picture in seconds, which is frame 0. `coding`: of its colours.
    """

    kind: MediaKind
    facts: MediaFacts
    video: int | None
    audio: int | None
    begins: Fraction
    coding: Coding = ORDINARY


def judge(raw: RawProbe) -> Judged:
    """Facts of a file. Exact where the probe has times, else as its headers claim. Raises UnusableError."""
    picture = _first(raw, "video")
    sound = _first(raw, "audio")
    if picture is None and sound is None:
        raise UnusableError(_why_nothing(raw))
    if picture is None:
        assert sound is not None
        return _audio(raw, sound)
    _check_size(picture)
    if raw.container in STILL_DEMUXERS or (raw.container in ("gif", "apng") and _pictures(picture) <= 1):
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
    return Judged(kind="image", facts=facts, video=picture.index, audio=None, begins=Fraction(0), coding=coding)


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
    return Judged(kind="audio", facts=facts, video=None, audio=sound.index, begins=_start(sound))


def _video(raw: RawProbe, picture: RawStream, sound: RawStream | None) -> Judged:
    assert picture.video is not None
    rate, vfr = _rate(picture)
    frames = _frames(raw, picture, rate, vfr)
    coding = coding_of(picture.video, moving=True)
    _check_length(frames / rate)
    facts = MediaFacts(
        container=raw.container,
        duration=decimal(frames / rate),
        width=picture.video.width,
        height=picture.video.height,
        sar=_aspect(picture.video),
        rotation=picture.video.rotation,
        fps=Fps.of(rate),
        vfr=vfr,
        frames=frames,
        video_codec=picture.codec,
        audio_codec=sound.codec if sound else None,
        channels=sound.audio.channels if sound and sound.audio else None,
        sample_rate=sound.audio.sample_rate if sound and sound.audio else None,
        start_offset=decimal(_start(sound) - _start(picture)) if sound else "0",
        hdr=coding.hdr,
    )
    return Judged(
        kind="video",
        facts=facts,
        video=picture.index,
        audio=sound.index if sound else None,
        begins=_start(picture),
        coding=coding,
    )


def _start(stream: RawStream) -> Fraction:
    """When the first picture is shown, or the first sample sounds, in seconds of the file's own clock."""
    ticks = stream.start
    if ticks is None and stream.times is not None:
        ticks = stream.times.first
    return stream.seconds(ticks or 0)


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


def _frames(raw: RawProbe, picture: RawStream, rate: Fraction, vfr: bool) -> int:
    """Pictures at the nominal rate: of a regular source just its own, of an irregular one what fills its length."""
    if not vfr and _pictures(picture) > 0:
        return _pictures(picture)
    if picture.times is not None and picture.times.end == picture.times.last:
        # The last picture has no length of its own: it is on screen for one frame.
        return max(1, round(picture.seconds(picture.times.last - picture.times.first) * rate) + 1)
    return max(1, round(_length(raw, picture) * rate))


def _rate(picture: RawStream) -> tuple[Fraction, bool]:
    """The nominal rate, and whether pictures come irregularly."""
    assert picture.video is not None
    claimed = _sane(picture.video.base_rate, picture.video.average_rate)
    times = picture.times
    if times is None or times.typical <= 0:
        # One picture, or only headers to go by: where both claims differ, the rate varies.
        rate = _snapped(claimed[-1], claimed) if claimed else Fraction(25)
        return rate, times is None and len(set(claimed)) > 1 and not _near(claimed[0], claimed[-1])
    measured = 1 / picture.seconds(times.typical)
    mean = _mean_rate(picture, times)
    # Coarse ticks blur the typical distance; of a regular source the mean is sharp.
    if _near(mean, measured, Fraction(1, 20)):
        measured = mean
    rate = _snapped(measured, claimed)
    return rate, _irregular(picture, times, rate)


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
    """Whether a distance is off by more than a rounded tick and a tenth of a frame."""
    frame, tick = 1 / rate, picture.seconds(1)
    allowed = max(tick * Fraction(3, 2), frame / 10)
    return any(abs(picture.seconds(gap) - frame) > allowed for gap in (times.shortest, times.longest))


def decimal(seconds: Fraction) -> str:
    """Seconds as a decimal text, rounded to microseconds, without trailing zeros."""
    micros = round(seconds * 1_000_000)
    text = format(Decimal(micros).scaleb(-6), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
