"""What ffmpeg is told to make from an upload. Pure.

Frame n of the edit proxy is what the source shows at n / its nominal rate after its first picture; sample 0 of the PCM
is that same moment. Pictures are turned upright, in square pixels, BT.709 of limited range.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

from cutlog.contract.media import MediaFacts, display_size
from cutlog.contract.profiles import (
    CHANNELS,
    COLOR_FILTER,
    PROXY_HEIGHT,
    SAMPLE_RATE,
    proxy_size,
    proxy_video_args,
)
from cutlog.contract.time import samples_at
from cutlog.ffmpeg.colors import ORDINARY, Filter, into_bt709
from services.media.facts import Judged
from services.media.previews import COLUMNS, Sheet

PROXY: Final = "proxy.mp4"
AUDIO: Final = "audio.pcm"
THUMBNAIL: Final = "thumbnail.jpg"
SPRITE: Final = "sprite.jpg"
WAVEFORM: Final = "waveform.json"
WAVEFORM_IMAGE: Final = "waveform.png"

#: No dates, no names of libraries: equal inputs make equal files.
_BITEXACT: Final = ("-map_metadata", "-1", "-fflags", "+bitexact")


def proxy_args(source: Path, judged: Judged) -> list[str]:
    """The edit proxy: exactly `facts.frames` pictures, whatever the decoder yields."""
    facts = judged.facts
    assert facts.fps is not None
    width, height = proxy_size(*display_size(facts))
    rate = f"{facts.fps.num}/{facts.fps.den}"
    chain = ",".join(
        [
            f"setpts='{_since(judged.begins)}'",
            f"fps={rate}:start_time=0",
            *map(_worded, into_bt709(width, height, judged.coding)),
            "format=yuv420p",
            "setsar=1",
            "tpad=stop=-1:stop_mode=clone",
            f"trim=end_frame={facts.frames}",
            COLOR_FILTER,
        ]
    )
    return [
        "-copyts", "-i", f"file:{source}", "-map", f"0:{judged.video}", "-an", "-vf", chain,
        *proxy_video_args(facts.fps.fraction), "-fps_mode", "passthrough", "-frames:v", str(facts.frames),
        "-forced-idr", "1", *_BITEXACT, "-movflags", "+faststart", PROXY,
    ]  # fmt: skip


def audio_args(source: Path, judged: Judged) -> list[str]:
    """PCM: what sounds before the first picture is cut, a later start is filled with silence, as are gaps."""
    chain = [
        f"asetpts='{_since(judged.begins)}'",
        f"aresample={SAMPLE_RATE}:async=1:first_pts=0:ochl=stereo:osf=s16",
        f"aformat=sample_fmts=s16:sample_rates={SAMPLE_RATE}:channel_layouts=stereo",
    ]
    facts = judged.facts
    if facts.fps is not None and facts.frames is not None:
        chain.append(f"atrim=end_sample={samples_at(facts.frames, facts.fps.fraction, SAMPLE_RATE)}")
    return [
        "-copyts", "-i", f"file:{source}", "-map", f"0:{judged.audio}", "-vn", "-af", ",".join(chain),
        "-ac", str(CHANNELS), "-c:a", "pcm_s16le", "-f", "s16le", AUDIO,
    ]  # fmt: skip


def sprite_args(proxy: Path, of: Sheet) -> list[str]:
    """Every so many frames of the edit proxy, small, in one JPEG."""
    chain = f"framestep={of.step},{_jfif(of.width, of.height, 'area')},tile={COLUMNS}x{of.rows}"
    return [
        "-i", f"file:{proxy}", "-map", "0:0", "-an", "-vf", chain, "-frames:v", "1", "-q:v", "5", *_BITEXACT,
        "-f", "mjpeg", SPRITE,
    ]  # fmt: skip


def waveform_args(pcm: Path) -> list[str]:
    """A picture of the PCM, white on nothing."""
    return [
        "-f", "s16le", "-ar", str(SAMPLE_RATE), "-ac", str(CHANNELS), "-i", f"file:{pcm}",
        "-filter_complex", "showwavespic=s=1200x120:colors=white", "-frames:v", "1", *_BITEXACT,
        "-c:v", "png", "-f", "image2pipe", WAVEFORM_IMAGE,
    ]  # fmt: skip


def frame_args(proxy: Path, facts: MediaFacts, frame: int, name: str) -> list[str]:
    """A JPEG of one frame of the edit proxy, sought and not counted."""
    assert facts.fps is not None
    begin = max(Fraction(0), (frame - Fraction(1, 2)) / facts.fps.fraction)
    return [
        "-ss", f"{float(begin):.6f}", "-i", f"file:{proxy}", "-map", "0:0", "-an",
        "-vf", _jfif("iw", "ih"), "-frames:v", "1", "-q:v", "4", *_BITEXACT,
        "-f", "mjpeg", name,
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
    seek: list[str] = []
    if frame and facts.fps is not None:
        moment = judged.begins + (frame - Fraction(1, 2)) / facts.fps.fraction
        seek = ["-seek_timestamp", "1", "-ss", f"{float(moment):.6f}"]
    return [
        *seek, "-i", f"file:{source}", "-map", f"0:{judged.video}", "-an", "-vf", ",".join(chain), "-frames:v", "1",
        "-q:v", "4", *_BITEXACT, "-f", "mjpeg", THUMBNAIL,
    ]  # fmt: skip


def _jfif(width: int | str, height: int | str, flags: str = "bicubic") -> str:
    """Scaled, as JPEG has its colours: BT.601 of full range, whatever the picture had."""
    return f"scale={width}:{height}:flags={flags}:out_color_matrix=bt601:out_range=pc,setsar=1,format=yuvj420p"


def _worded(made: Filter) -> str:
    name, options = made
    return f"{name}=" + ":".join(f"{option}={value}" for option, value in options.items())


def _since(begins: Fraction) -> str:
    """Times counted from the first picture."""
    return f"round(PTS-({begins.numerator}/{begins.denominator})/TB)" if begins else "PTS"
