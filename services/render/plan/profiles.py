"""What is made of a version: the pictures and the sound of proxies and exports."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final, Literal

import msgspec

from cutlog.contract.keys import FilmProfile
from cutlog.contract.profiles import (
    COLOR_ARGS,
    SIZED,
    ExportProfile,
    gop_frames,
    proxy_size,
    proxy_video_args,
    size_of_height,
)
from cutlog.contract.timeline import Canvas

#: From what a film is made: the edit proxies that ingest makes, or what was uploaded.
Stock = Literal["proxy", "original"]

#: Muxers of films. `ipod` is MP4 as `.m4a`; `gif` is made of a finished film.
Container = Literal["mp4", "mov", "webm", "ipod", "gif"]

#: How sound is kept: AAC in chunks that are cached, or encoded anew each time; None is no sound.
Sound = Literal["aac", "libopus", "pcm_s24le"] | None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """`grid` is the length of a full segment in seconds; `bitrate` that of the sound in bits per second.

    `encoder` are ffmpeg's arguments for pictures of a rate. `delay` is by how many frames decoding starts before
    showing; None leaves it to the encoder. A film without `pictures` is sound only. With `snap`, sounds lie on
    the nearest packet. With `alpha`, no background lies under everything: where nothing is shown, it is clear.
    """

    name: FilmProfile | Literal["still"]
    stock: Stock
    grid: int
    bitrate: int
    size: Callable[[Canvas], tuple[int, int]]
    encoder: Callable[[Fraction], tuple[str, ...]]
    container: Container = "mp4"
    sound: Sound = "aac"
    pictures: bool = True
    delay: int | None = None
    snap: bool = False
    alpha: bool = False

    def grid_frames(self, rate: Fraction) -> int:
        """Frames of a source of this rate from one line of the grid to the next."""
        return self.grid * gop_frames(rate)


def _canvas(canvas: Canvas) -> tuple[int, int]:
    return canvas.width, canvas.height


def _high(height: int) -> Callable[[Canvas], tuple[int, int]]:
    """As high as said, whatever the canvas; as wide as its proportions make it."""
    return lambda canvas: size_of_height(canvas.width, canvas.height, height)


def _gif_size(canvas: Canvas) -> tuple[int, int]:
    """The canvas, or its smaller picture 480 high: every pixel of a GIF costs."""
    return _canvas(canvas) if canvas.height <= GIF_HEIGHT else _high(GIF_HEIGHT)(canvas)


def _h264(rate: Fraction) -> tuple[str, ...]:
    """x264 for films to keep. Closed GOPs of at most five seconds; see docs/decisions/102-export-encoder.md."""
    return (
        "-c:v", "libx264", "-preset", "faster", "-crf", "20", "-profile:v", "high", "-pix_fmt", "yuv420p",
        "-g", str(5 * gop_frames(rate)), "-bf", "3", "-x264-params", "open-gop=0", *COLOR_ARGS,
    )  # fmt: skip


def _hevc(rate: Fraction) -> tuple[str, ...]:
    """x265 in closed GOPs. Without its own report in the stream, which would tell segments of one film apart."""
    return (
        "-c:v", "libx265", "-preset", "fast", "-crf", "23", "-profile:v", "main", "-pix_fmt", "yuv420p",
        "-g", str(5 * gop_frames(rate)), "-bf", "3", "-tag:v", "hvc1",
        "-x265-params", "open-gop=0:info=0:repeat-headers=0:log-level=warning", *COLOR_ARGS,
    )  # fmt: skip


def _vp9(rate: Fraction) -> tuple[str, ...]:
    """libvpx at constant quality: a key frame is a clean start, so its GOPs are closed."""
    return (
        "-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "4", "-row-mt", "1", "-tile-columns", "2",
        "-b:v", "0", "-crf", "31", "-profile:v", "0", "-pix_fmt", "yuv420p",
        "-g", str(5 * gop_frames(rate)), *COLOR_ARGS,
    )  # fmt: skip


def _prores(_: Fraction) -> tuple[str, ...]:
    """ProRes 422 HQ: every picture stands alone."""
    return (
        "-c:v", "prores_ks", "-profile:v", "3", "-vendor", "apl0", "-pix_fmt", "yuv422p10le", "-f", "mov", *COLOR_ARGS,
    )  # fmt: skip


def _vp9_alpha(rate: Fraction) -> tuple[str, ...]:
    """libvpx with a second stream for alpha, which goes beside the first one in Matroska alone, and without pictures
    that are never shown: those of the two would not fit together."""
    return (
        "-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "4", "-row-mt", "1", "-tile-columns", "2",
        "-b:v", "0", "-crf", "31", "-profile:v", "0", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-f", "matroska",
        "-g", str(5 * gop_frames(rate)), *COLOR_ARGS,
    )  # fmt: skip


def _prores_4444(_: Fraction) -> tuple[str, ...]:
    """ProRes 4444: every picture stands alone, with straight alpha of 16 bits."""
    return (
        "-c:v", "prores_ks", "-profile:v", "4444", "-vendor", "apl0", "-pix_fmt", "yuva444p10le", "-alpha_bits", "16",
        "-f", "mov", *COLOR_ARGS,
    )  # fmt: skip


def _near_lossless(rate: Fraction) -> tuple[str, ...]:
    """x264 for pictures that are only a step on the way to others."""
    return (
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-profile:v", "high", "-pix_fmt", "yuv420p",
        "-g", str(5 * gop_frames(rate)), "-bf", "0", "-x264-params", "open-gop=0", *COLOR_ARGS,
    )  # fmt: skip


GIF_HEIGHT: Final = 480

PROXY: Final = Profile(
    name="proxy",
    stock="proxy",
    grid=1,
    bitrate=96_000,
    size=lambda canvas: proxy_size(canvas.width, canvas.height),
    encoder=proxy_video_args,
    snap=True,
)

_MP4: Final = Profile(name="mp4", stock="original", grid=5, bitrate=192_000, size=_canvas, encoder=_h264)


def _sized(name: ExportProfile, height: int) -> Profile:
    return msgspec.structs.replace(_MP4, name=name, size=_high(height))


EXPORTS: Final[dict[ExportProfile, Profile]] = {
    "mp4": _MP4,
    **{name: _sized(name, height) for name, height in SIZED.items()},
    # x265 reorders by two pictures at most; how early it starts to count differs with the length of a film.
    "mp4-hevc": msgspec.structs.replace(_MP4, name="mp4-hevc", encoder=_hevc, delay=2),
    "webm": msgspec.structs.replace(
        _MP4, name="webm", encoder=_vp9, container="webm", sound="libopus", bitrate=128_000
    ),
    "prores": msgspec.structs.replace(_MP4, name="prores", encoder=_prores, container="mov", sound="pcm_s24le"),
    "prores-4444": msgspec.structs.replace(
        _MP4, name="prores-4444", encoder=_prores_4444, container="mov", sound="pcm_s24le", alpha=True
    ),
    "webm-alpha": msgspec.structs.replace(
        _MP4, name="webm-alpha", encoder=_vp9_alpha, container="webm", sound="libopus", bitrate=128_000, alpha=True
    ),
    "gif": msgspec.structs.replace(
        _MP4, name="gif", size=_gif_size, encoder=_near_lossless, container="gif", sound=None
    ),
    "audio": msgspec.structs.replace(_MP4, name="audio", container="ipod", pictures=False),
}
