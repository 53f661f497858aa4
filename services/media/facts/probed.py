"""What a probed file is to an editor. Pure: from the raw probe to facts, or a sentence why it can't be used."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.media import FontAxis, FontFace, FontFacts, MediaFacts, MediaKind, Stream, Timing
from cutlog.contract.time import Fps
from cutlog.ffmpeg.allow import DECODERS, STILL_DEMUXERS
from cutlog.ffmpeg.clock import Clock, clock_of
from cutlog.ffmpeg.colors import ORDINARY, Coding, coding_of
from cutlog.ffmpeg.probing import Ratio, RawAudio, RawProbe, RawStream, RawTimes, RawVideo
from cutlog.ffmpeg.typefaces import RawFont
from services.media.errors import MediaError
from services.media.facts.downmix import MAX_CHANNELS
from services.media.facts.rates import Rhythm, rate_of

MAX_SIDE: Final = 16_384
WIDEST: Final = 100
"""Times that a pixel may be as wide as high, or the other way."""
MAX_PIXELS: Final = 8192 * 8192
MAX_SECONDS: Final = 24 * 3600

#: Sound that goes on for less than this after the last picture is what its encoder filled its last packet up with.
FILLING: Final = Fraction(1, 20)
#: A source of which more than this part is its last picture has few pictures for its length.
STANDING: Final = 4


class UnusableError(MediaError):
    """The file is not media that can be edited. The message says why."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What to make of a file: its kind and facts, and which of its streams are meant (indices in the file).

    `clock`: of its pictures. Frame 0 is shown at `start` and heard at `heard`, in seconds of the file's own clock, in
    which pictures and sound may be apart. `sound`: of the audio's channels. `coding`: of its colours. `foreign`: it has
    to be rewritten before ffmpeg reads it.
    """

    kind: MediaKind
    facts: MediaFacts
    video: int | None
    audio: int | None
    clock: Clock | None = None
    start: Fraction = Fraction(0)
    heard: Fraction = Fraction(0)
    sound: RawAudio | None = None
    coding: Coding = ORDINARY
    foreign: bool = False


def judge(raw: RawProbe) -> Judged:
    """Facts of a file. Exact where the probe has times, else as its headers claim. Raises UnusableError."""
    picture, sound = _chosen(raw, "video"), _chosen(raw, "audio")
    judged = _judged(raw, picture, sound)
    facts = msgspec.structs.replace(judged.facts, streams=tuple(_told(raw, stream, judged) for stream in raw.streams))
    if raw.gain_map:
        facts = msgspec.structs.replace(facts, gain_map=True)
    return msgspec.structs.replace(judged, facts=facts, foreign=raw.foreign)


def judge_font(raw: RawFont) -> Judged:
    """Facts of a font, which has neither pictures nor sound."""
    faces = tuple(
        FontFace(
            family=face.family,
            style=face.style,
            weight=face.weight,
            italic=face.italic,
            axes=tuple(
                FontAxis(tag=axis.tag, low=axis.low, default=axis.default, high=axis.high) for axis in face.axes
            ),
        )
        for face in raw.faces
    )
    facts = MediaFacts(container=raw.format, duration="0", font=FontFacts(faces=faces, coverage=raw.coverage))
    return Judged(kind="font", facts=facts, video=None, audio=None)


def rewritten(original: Judged, master: Judged) -> MediaFacts:
    """Facts of a foreign original: of a still its own; how an animation moves, its rewritten form tells exactly."""
    own = original.facts
    if original.kind == "image":
        return own
    return msgspec.structs.replace(
        master.facts,
        container=own.container,
        video_codec=own.video_codec,
        width=own.width,
        height=own.height,
        streams=own.streams,
    )


def others(raw: RawProbe, judged: Judged) -> Iterator[Judged]:
    """The file as if another of its streams were the chosen one: either `video` or `audio` is set. Frame 0 is the same
    moment in all, and they are as long as the file is for who names none."""
    for stream in raw.streams:
        if stream.index in (judged.video, judged.audio) or not _usable(raw, stream):
            continue
        if stream.kind == "audio":
            yield msgspec.structs.replace(judged, video=None, audio=stream.index, sound=stream.audio)
        elif judged.kind == "video":
            yield _beside(raw, stream, judged)


def _beside(raw: RawProbe, picture: RawStream, judged: Judged) -> Judged:
    """Another picture of a film, from the same moment on."""
    assert judged.facts.fps is not None
    assert judged.facts.frames is not None
    other = _video(raw, picture, None)
    assert other.facts.fps is not None
    facts = msgspec.structs.replace(
        other.facts,
        duration=judged.facts.duration,
        frames=max(1, math.ceil(judged.facts.frames / judged.facts.fps.fraction * other.facts.fps.fraction)),
        audio_codec=judged.facts.audio_codec,
        channels=judged.facts.channels,
        sample_rate=judged.facts.sample_rate,
        start_offset=judged.facts.start_offset,
    )
    if facts.timing is not UNSET:
        facts = msgspec.structs.replace(
            facts, timing=msgspec.structs.replace(facts.timing, start=decimal(judged.start))
        )
    return msgspec.structs.replace(other, facts=facts, clock=clock_of(facts), start=judged.start, heard=judged.heard)


def _told(raw: RawProbe, stream: RawStream, judged: Judged) -> Stream:
    chosen = stream.index in (judged.video, judged.audio)
    named = stream.kind == "audio" or judged.kind == "video"
    return Stream(
        index=stream.index,
        kind=stream.type,
        codec=stream.codec,
        language=stream.language,
        default=stream.default,
        attached=stream.attached or _is_cover(raw, stream),
        usable=chosen or (named and _usable(raw, stream)),
        chosen=chosen,
    )


def _judged(raw: RawProbe, picture: RawStream | None, sound: RawStream | None) -> Judged:
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


def _chosen(raw: RawProbe, kind: str) -> RawStream | None:
    """Of the streams of a kind that can be used, the first that the file calls the default one, else the first."""
    usable = [stream for stream in raw.streams if stream.kind == kind and _usable(raw, stream)]
    return next((stream for stream in usable if stream.default), usable[0] if usable else None)


def _usable(raw: RawProbe, stream: RawStream) -> bool:
    """Whether it could be decoded; a cover or thumbnail inside the file is no picture."""
    return _decodable(stream) and not _is_cover(raw, stream)


def _decodable(stream: RawStream) -> bool:
    return stream.kind != "other" and not stream.attached and stream.decoded and _allowed(stream) and _mixed(stream)


def _is_cover(raw: RawProbe, stream: RawStream) -> bool:
    """Whether it is one still picture beside something that lasts: a cover, though the file does not say so."""
    return stream.single and any(_decodable(other) and not other.single for other in raw.streams)


def _allowed(stream: RawStream) -> bool:
    return stream.decoder in DECODERS


def _mixed(stream: RawStream) -> bool:
    return stream.audio is None or stream.audio.channels <= MAX_CHANNELS


def _why_nothing(raw: RawProbe) -> str:
    of_use = [stream for stream in raw.streams if stream.kind != "other" and not stream.attached]
    if not of_use:
        return "it contains neither video nor audio"
    refused = sorted({stream.codec for stream in of_use if not _allowed(stream)})
    if refused:
        return f"its codec is not supported: {', '.join(refused)}"
    if not all(map(_mixed, of_use)):
        return f"its audio has more than {MAX_CHANNELS} channels"
    return "none of it can be decoded"


def _check_size(stream: RawStream) -> None:
    video = stream.video
    assert video is not None
    width, height = video.width, video.height
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        raise UnusableError(f"its frame size of {width} × {height} exceeds {MAX_PIXELS} pixels")


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
        alpha=picture.video.alpha or UNSET,
        matte=picture.video.matte or UNSET,
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
    return Judged(kind="audio", facts=facts, video=None, audio=sound.index, heard=_start(sound), sound=sound.audio)


def _video(raw: RawProbe, picture: RawStream, sound: RawStream | None) -> Judged:
    assert picture.video is not None
    rate, rhythm = rate_of(picture)
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
        alpha=picture.video.alpha or UNSET,
        matte=picture.video.matte or UNSET,
    )
    return Judged(
        kind="video",
        facts=facts,
        video=picture.index,
        audio=sound.index if sound else None,
        sound=sound.audio if sound else None,
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
        raise UnusableError("its duration is zero or unknown")
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


def decimal(seconds: Fraction) -> str:
    """Seconds as a decimal text, rounded to microseconds, without trailing zeros."""
    micros = round(seconds * 1_000_000)
    text = format(Decimal(micros).scaleb(-6), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
