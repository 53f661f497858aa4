"""What the examiner says of files, made up: streams of pictures and of sound."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import msgspec

from cutlog.ffmpeg import RawAudio, RawProbe, RawStream, RawTimes, RawVideo
from cutlog.ffmpeg.probing import Ratio


def times(starts: list[int], length: int) -> RawTimes:
    gaps: dict[int, int] = {}
    for before, after in pairwise(starts):
        gaps[after - before] = gaps.get(after - before, 0) + 1
    common = sorted(gaps.items(), key=lambda item: -item[1])
    return RawTimes(
        packets=len(starts),
        first=starts[0],
        last=starts[-1],
        end=starts[-1] + length,
        gaps=tuple(common[:16]),
        shortest=min(gaps, default=0),
        longest=max(gaps, default=0),
        key_frames=1,
    )


def picture(
    rate: Ratio | None = (25, 1),
    starts: list[int] | None = None,
    time_base: Ratio = (1, 1000),
    *,
    average: Ratio | None = None,
    length: int = 0,
    index: int = 0,
    **changes: object,
) -> RawStream:
    stream = RawStream(
        index=index,
        kind="video",
        codec="h264",
        decoder="h264",
        time_base=time_base,
        start=starts[0] if starts else 0,
        duration=None,
        frames=0,
        attached=False,
        default=True,
        decoded=True,
        video=RawVideo(
            width=160,
            height=90,
            sar=None,
            rotation=0,
            average_rate=average or rate,
            base_rate=rate,
            pix_fmt="yuv420p",
            interlaced=False,
            color_range=0,
            color_primaries=2,
            color_trc=2,
            colorspace=2,
        ),
        times=times(starts, length) if starts else None,
    )
    return msgspec.structs.replace(stream, **changes)


def sound(index: int = 1, **changes: object) -> RawStream:
    stream = RawStream(
        index=index,
        kind="audio",
        codec="aac",
        decoder="aac",
        time_base=(1, 48_000),
        start=0,
        duration=96_000,
        frames=0,
        attached=False,
        default=True,
        decoded=True,
        audio=RawAudio(channels=2, layout="stereo", sample_rate=48_000),
    )
    return msgspec.structs.replace(stream, **changes)


def probe(*streams: RawStream, container: str = "mov,mp4") -> RawProbe:
    return RawProbe(container=container, duration=2_000_000, streams=streams)


def rounded(rate: Fraction, count: int, time_base: Ratio = (1, 1000)) -> list[int]:
    """Moments of a regular source in a clock that may be too coarse for it."""
    return [round(k / rate / Fraction(*time_base)) for k in range(count)]
