"""What is made of a version: the pictures and the sound of proxies and exports."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final, Literal

import msgspec

from cutlog.contract.profiles import COLOR_ARGS, gop_frames, proxy_size, proxy_video_args
from cutlog.contract.timeline import Canvas

#: From what a film is made: the edit proxies that ingest makes, or what was uploaded.
Stock = Literal["proxy", "original"]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """`grid` is the length of a full segment in seconds; `bitrate` that of the sound in bits per second."""

    name: str
    stock: Stock
    grid: int
    bitrate: int
    size: Callable[[Canvas], tuple[int, int]]
    encoder: Callable[[Fraction], tuple[str, ...]]

    def grid_frames(self, rate: Fraction) -> int:
        """Frames of a source of this rate from one line of the grid to the next."""
        return self.grid * gop_frames(rate)


def _export_video_args(rate: Fraction) -> tuple[str, ...]:
    """x264 for films to keep. Closed GOPs of at most five seconds; see docs/decisions/102-export-encoder.md."""
    return (
        "-c:v", "libx264", "-preset", "faster", "-crf", "20", "-profile:v", "high", "-pix_fmt", "yuv420p",
        "-g", str(5 * gop_frames(rate)), "-bf", "3", "-x264-params", "open-gop=0", *COLOR_ARGS,
    )  # fmt: skip


PROXY: Final = Profile(
    name="proxy",
    stock="proxy",
    grid=1,
    bitrate=96_000,
    size=lambda canvas: proxy_size(canvas.width, canvas.height),
    encoder=proxy_video_args,
)

EXPORTS: Final = {
    "mp4": Profile(
        name="mp4",
        stock="original",
        grid=5,
        bitrate=192_000,
        size=lambda canvas: (canvas.width, canvas.height),
        encoder=_export_video_args,
    )
}
