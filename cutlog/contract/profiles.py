"""Profiles of what is made, and the encoder settings that two services must agree on to the letter.

An untouched second of an asset's edit proxy is copied, not encoded, into a project's proxy. That only works while
ingest and the proxy renderer use one list of arguments; it is here.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal

import msgspec

ExportProfile = Literal[
    "mp4",
    "mp4-hevc",
    "webm",
    "prores",
    "gif",
    "audio",
    "mp4-1080p",
    "mp4-720p",
    "mp4-480p",
    "mp4-360p",
    "prores-4444",
    "webm-alpha",
]
"""What a version can be exported as; CONTRACT.md describes each."""

PROXY_HEIGHT: Final = 480
SAMPLE_RATE: Final = 48_000
CHANNELS: Final = 2


class Format(msgspec.Struct, frozen=True):
    """How an export of a profile is named: the rest of its object's name after `v{N}`. `height`: pixels, if the profile
    is `mp4` in another size."""

    suffix: str
    content_type: str
    height: int | None = None


EXPORTS: Final[dict[ExportProfile, Format]] = {
    "mp4": Format("_final.mp4", "video/mp4"),
    "mp4-hevc": Format("_mp4-hevc.mp4", "video/mp4"),
    "webm": Format("_webm.webm", "video/webm"),
    "prores": Format("_prores.mov", "video/quicktime"),
    "prores-4444": Format("_prores-4444.mov", "video/quicktime"),
    "webm-alpha": Format("_webm-alpha.webm", "video/webm"),
    "gif": Format("_gif.gif", "image/gif"),
    "audio": Format("_audio.m4a", "audio/mp4"),
    "mp4-1080p": Format("_mp4-1080p.mp4", "video/mp4", 1080),
    "mp4-720p": Format("_mp4-720p.mp4", "video/mp4", 720),
    "mp4-480p": Format("_mp4-480p.mp4", "video/mp4", 480),
    "mp4-360p": Format("_mp4-360p.mp4", "video/mp4", 360),
}

SIZED: Final[dict[ExportProfile, int]] = {
    name: known.height for name, known in EXPORTS.items() if known.height is not None
}
"""The profiles that are `mp4` in another size, and how high they are."""


def proxy_size(width: Fraction | int, height: Fraction | int) -> tuple[int, int]:
    """Pixels of the 480p picture of something seen as width × height: the nearest even width, 480 high."""
    return size_of_height(width, height, PROXY_HEIGHT)


def size_of_height(width: Fraction | int, height: Fraction | int, high: int) -> tuple[int, int]:
    """Pixels of a picture `high` high of something seen as width × height: the nearest even width."""
    return max(2, min(8192, 2 * round(Fraction(width) * high / Fraction(height) / 2))), high


def gop_frames(fps: Fraction) -> int:
    """Frames from one key frame of a proxy to the next: the whole number nearest to a second's."""
    return max(1, round(fps))


#: Of an MP4 that is read while it is written: its header comes with the first fragment, each fragment stands alone.
FRAGMENTED: Final = "+frag_keyframe+delay_moov+default_base_moof"

#: Signalled in every picture we make; sources are converted to it.
COLOR_ARGS: Final = (
    "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
)  # fmt: skip

#: The last filter before the encoder: what x264 writes into its parameter sets, it takes from the pictures.
COLOR_FILTER: Final = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"


def proxy_video_args(fps: Fraction) -> tuple[str, ...]:
    """x264 settings of edit proxies and proxy segments: closed GOPs of 1 s, no B-frames, equal headers."""
    gop = str(gop_frames(fps))
    return (
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-profile:v", "main", "-level", "4.1",
        "-pix_fmt", "yuv420p", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-bf", "0",
        "-x264-params", "scenecut=0:open-gop=0",
        *COLOR_ARGS,
    )  # fmt: skip
