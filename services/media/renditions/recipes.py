"""What ffmpeg is told to make from an upload. Pure.

Frame n of the edit proxy is what the source shows at n / its rate after its first picture, or, of a source whose
pictures keep their own times, its n-th picture at just that time; sample 0 of the sound is the moment of frame 0.
Pictures are turned upright, in square pixels, BT.709 of limited range; fields have become pictures. What is
transparent is shown over black, and the alpha of the edit proxy is a grey film beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from cutlog.contract.keys import StreamKind
from cutlog.contract.media import MediaFacts, display_size, picture_rate
from cutlog.contract.profiles import (
    CHANNELS,
    COLOR_FILTER,
    FRAGMENTED,
    PROXY_HEIGHT,
    SAMPLE_RATE,
    gop_frames,
    proxy_size,
    proxy_video_args,
)
from cutlog.contract.time import samples_at
from cutlog.ffmpeg.allow import decoder, demuxer
from cutlog.ffmpeg.clock import Clock, clock_of_proxy, kept, numbered, seek
from cutlog.ffmpeg.colors import ORDINARY, Filter, into_bt709
from services.media.facts.downmix import RESAMPLER, stereo
from services.media.facts.probed import Judged
from services.media.renditions.previews import COLUMNS, Sheet

PROXY: Final = "proxy.mp4"
PROXY_ALPHA: Final = "proxy-alpha.mp4"
AUDIO: Final = "audio.m4a"
THUMBNAIL: Final = "thumbnail.jpg"
SPRITE: Final = "sprite.jpg"
MASTER: Final = "master.png"
FONT: Final = "master.otf"
WAVEFORM: Final = "waveform.json"
WAVEFORM_IMAGE: Final = "waveform.png"

#: No dates, no names of libraries: equal inputs make equal files.
_BITEXACT: Final = ("-map_metadata", "-1", "-fflags", "+bitexact")
#: Each fragment can be read as soon as it is written.
_FRAGMENTED: Final = ("-movflags", FRAGMENTED, "-flush_packets", "1")
#: Ticks a second of an edit proxy whose pictures keep their own times.
_TICKS: Final = 90_000
#: Seconds between the pictures of a sheet from which on a second more or less is nothing.
_SPARSE: Final = 10
#: The last picture stands to the end.
_HELD: Final = "tpad=stop=-1:stop_mode=clone"


def growing(kind: StreamKind) -> str:
    """The name of the file in which ffmpeg writes what the functions below tell it to."""
    return f"growing.{kind}"


def proxy_unit(facts: MediaFacts) -> Fraction:
    """Seconds of a position in an edit proxy: a frame, or a tick where pictures keep their own times."""
    rate = None if proxy_frames(facts) is None else picture_rate(facts)
    return Fraction(1, _TICKS) if rate is None else 1 / rate


def proxy_args(source: Path, judged: Judged, start: int = 0) -> list[str]:
    """The edit proxy from a position on: exactly as many pictures as `proxy_frames` says, whatever the decoder yields;
    where pictures keep their own times, those that there are."""
    facts, clock = judged.facts, judged.clock
    assert facts.fps is not None
    assert clock is not None
    width, height = proxy_size(*display_size(facts))
    drawn = [*map(_worded, into_bt709(width, height, judged.coding)), "format=yuv420p", "setsar=1"]
    rate, frames = picture_rate(facts), proxy_frames(facts)
    sought = seek(clock, judged.start, facts.container, start * proxy_unit(facts)) if start else {}
    before = [
        "-copyts",
        *(str(part) for name, value in sought.items() for part in (f"-{name}", value) if part is not None),
    ]
    if rate is None or frames is None:
        # A key frame a second: pictures may be few.
        timed, held = [*map(_worded, kept(clock, judged.start))], [f"settb=1/{_TICKS}"]
        if start:
            held += [f"trim=start_pts={start}", f"setpts=PTS-{start}"]
        paced = ["-enc_time_base", f"1:{_TICKS}", "-video_track_timescale", str(_TICKS),
                 "-force_key_frames", "expr:gte(t,n_forced)"]  # fmt: skip
    else:
        timed = [
            *map(_worded, numbered(clock, judged.start, rate)),
            _HELD,
            f"fps={rate}:start_time={float(start / rate):.9f}",
        ]
        held = [f"trim=end_frame={frames - start}", "setpts=PTS-STARTPTS"]
        paced = ["-frames:v", str(frames - start)]
    paced = ["-fps_mode", "passthrough", *paced, "-forced-idr", "1", *_BITEXACT, *_FRAGMENTED]
    fps = rate or facts.fps.fraction
    if not facts.alpha:
        return [
            *before, *_input(source, facts.container), "-map", f"0:{judged.video}", "-an",
            "-vf", ",".join([*timed, *drawn, *held, COLOR_FILTER]), *proxy_video_args(fps), *paced, growing("mp4"),
        ]  # fmt: skip
    # A format is named: what comes before, such as turning a picture upright, may leave it open.
    mask = ["format=yuva444p", "alphaextract", f"scale={width}:{height}:flags=bicubic", "format=gray", "setsar=1"]
    graph = (
        f"[0:{judged.video}]{','.join([*timed, 'split[whole][clear]'])};"
        f"[whole]{','.join([*_over_black(facts), *drawn, *held, COLOR_FILTER])}[colours];"
        f"[clear]{','.join([*mask, *held, 'setparams=range=pc'])}[alpha]"
    )
    return [
        *before, *_decoded(judged), *_input(source, facts.container), "-filter_complex", graph,
        "-map", "[colours]", *proxy_video_args(fps), *paced, growing("mp4"),
        "-map", "[alpha]", *_plane_args(fps), *paced, growing("alpha.mp4"),
    ]  # fmt: skip


def _plane_args(fps: Fraction) -> tuple[str, ...]:
    """x264 for a film of alpha: cut like the edit proxy, and nearly without loss, since a wrong edge shows at once."""
    gop = str(gop_frames(fps))
    return (
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "10", "-pix_fmt", "gray", "-g", gop, "-keyint_min", gop,
        "-sc_threshold", "0", "-bf", "0", "-x264-params", "scenecut=0:open-gop=0", "-color_range", "pc",
    )  # fmt: skip


def _over_black(facts: MediaFacts) -> list[str]:
    """Filters after which colours are those over black, and alpha does not matter any more."""
    if facts.matte == "black":
        return []
    if facts.matte is UNSET:
        return ["premultiply=inplace=1"]
    # Over white, a colour of c becomes 255 - a × (255 - c).
    return [
        "format=gbrap,split[own][mask];[own]format=gbrp,negate[less];"
        "[mask]alphaextract,format=gray,format=gbrp[most];[most][less]blend=all_mode=subtract"
    ]


def _decoded(judged: Judged) -> list[str]:
    """Options of an input whose alpha is wanted."""
    name = decoder(judged.facts.video_codec or "", alpha=bool(judged.facts.alpha))
    return [] if name is None else [f"-c:{judged.video}", name]


def proxy_frames(facts: MediaFacts) -> int | None:
    """Pictures of the edit proxy; None where they keep their own times."""
    if facts.frames is None or picture_rate(facts) is None:
        return None
    return facts.frames * (2 if facts.interlaced else 1)


def audio_args(source: Path, judged: Judged, start: int = 0) -> list[str]:
    """FLAC of 16 bits, from a sample on: what sounds before the first picture is cut, a later start is filled with
    silence, as are gaps."""
    chain = [
        f"asetpts='{_since(judged.heard)}'",
        *(stereo(judged.sound) if judged.sound is not None else ()),
        f"aresample={SAMPLE_RATE}:async=1:first_pts=0:osf=s16:{RESAMPLER}",
        f"aformat=sample_fmts=s16:sample_rates={SAMPLE_RATE}:channel_layouts=stereo",
    ]
    facts = judged.facts
    if facts.fps is not None and facts.frames is not None:
        chain.append(f"atrim=end_sample={samples_at(facts.frames, facts.fps.fraction, SAMPLE_RATE)}")
    if start:
        # Decoded from the beginning: what a resampler gives depends on all that it was given before.
        chain += [f"atrim=start_sample={start}", "asetpts=PTS-STARTPTS"]
    return [
        "-copyts", *_input(source, facts.container), "-map", f"0:{judged.audio}", "-vn", "-af", ",".join(chain),
        "-ac", str(CHANNELS), *lossless_args(growing("m4a")),
    ]  # fmt: skip


def lossless_args(name: str) -> tuple[str, ...]:
    """An output of sound as `cutlog.ffmpeg.samples` reads it. In blocks of 85 ms: so much is decoded before a wanted
    sample."""
    return (
        "-c:a", "flac", "-sample_fmt", "s16", "-frame_size", "4096", "-compression_level", "5", *_BITEXACT,
        "-f", "mp4", *_FRAGMENTED, "-frag_duration", "10000000", name,
    )  # fmt: skip


def sprite_args(proxy: Path, facts: MediaFacts, of: Sheet) -> list[str]:
    """Every so many frames of the source, from its edit proxy, small, in one JPEG. If that is `thinned`, its frames are
    those."""
    assert facts.fps is not None
    timed = [*map(_worded, numbered(clock_of_proxy(facts), Fraction(0), facts.fps.fraction)), _HELD]
    picked = [] if thin(facts, of) else [*timed, f"trim=end_frame={facts.frames}", f"framestep={of.step}"]
    chain = ",".join([*picked, _jfif(of.width, of.height, "area"), f"tile={COLUMNS}x{of.rows}"])
    return [
        *_input(proxy, "mov"), "-map", "0:0", "-an", "-vf", chain, "-frames:v", "1", "-q:v", "5", *_BITEXACT,
        "-f", "mjpeg", SPRITE,
    ]  # fmt: skip


def thin(facts: MediaFacts, of: Sheet) -> Sequence[Fraction]:
    """The moments of a sheet that is drawn from the key frames before them; none of one that is drawn from all frames.
    To decode all of a long film takes minutes, and a second more or less is nothing in it."""
    assert facts.fps is not None
    rate = facts.fps.fraction
    return [number * of.step / rate for number in range(of.count)] if of.step >= _SPARSE * gop_frames(rate) else []


def waveform_args(sound: Path) -> list[str]:
    """A picture of the sound, white on nothing."""
    return [
        *_input(sound, "mov"),
        "-filter_complex", "showwavespic=s=1200x120:colors=white", "-frames:v", "1", *_BITEXACT,
        "-c:v", "png", "-f", "image2pipe", WAVEFORM_IMAGE,
    ]  # fmt: skip


def frame_args(proxy: Path, facts: MediaFacts, frame: int, name: str) -> list[str]:
    """A JPEG of one frame of the source, from its edit proxy, sought and not counted."""
    timed = _one(clock_of_proxy(facts), Fraction(0), "mov", facts, frame)
    chain = ",".join([*timed.filters, _jfif("iw", "ih")])
    return [
        *timed.before, *_input(proxy, "mov"), "-map", "0:0", "-an", "-vf", chain,
        "-frames:v", "1", "-q:v", "4", *_BITEXACT, "-f", "mjpeg", name,
    ]  # fmt: skip


def thumbnail_args(source: Path, judged: Judged, frame: int) -> list[str]:
    """A JPEG of one frame of the original, at most 480 high, as a viewer sees it; sought and not counted."""
    facts = judged.facts
    width, height = proxy_size(*display_size(facts))
    shown = display_size(facts)[1]
    if shown < PROXY_HEIGHT:
        width, height = max(1, round(width * shown / height)), max(1, round(shown))
    chain = [_jfif(width, height)]
    if judged.coding != ORDINARY:
        chain[:0] = map(_worded, into_bt709(width, height, judged.coding))
    if facts.alpha:
        chain[:0] = _over_black(facts)
    before: list[str] = []
    if judged.clock is not None:
        timed = _one(judged.clock, judged.start, facts.container, facts, frame)
        before, chain = timed.before, [*timed.filters, *chain]
    return [
        *before, *_decoded(judged), *_input(source, facts.container), "-map", f"0:{judged.video}", "-an",
        "-vf", ",".join(chain), "-frames:v", "1", "-q:v", "4", *_BITEXACT, "-f", "mjpeg", THUMBNAIL,
    ]  # fmt: skip


class _One(msgspec.Struct, frozen=True):
    """How one frame is read: options before the input, and filters after which it is the first."""

    before: list[str]
    filters: list[str]


def _one(clock: Clock, start: Fraction, container: str, facts: MediaFacts, frame: int) -> _One:
    assert facts.fps is not None
    rate = facts.fps.fraction
    sought = seek(clock, start, container, frame / rate)
    before = [part for name, value in sought.items() for part in (f"-{name}", value) if part is not None]
    filters = [*map(_worded, numbered(clock, start, rate)), _HELD, f"trim=start_pts={frame}"]
    return _One(["-copyts", *map(str, before)], filters)


def _jfif(width: int | str, height: int | str, flags: str = "bicubic") -> str:
    """Scaled, as JPEG has its colours: BT.601 of full range, whatever the picture had."""
    return f"scale={width}:{height}:flags={flags}:out_color_matrix=bt601:out_range=pc,setsar=1,format=yuvj420p"


def _input(file: Path, container: str) -> tuple[str, ...]:
    return ("-f", demuxer(container), "-i", f"file:{file}")


def _worded(made: Filter) -> str:
    name, options = made
    return f"{name}=" + ":".join(f"{option}='{value}'" for option, value in options.items())


def _since(begins: Fraction) -> str:
    """Times counted from the first picture."""
    return f"round(PTS-({begins.numerator}/{begins.denominator})/TB)" if begins else "PTS"
