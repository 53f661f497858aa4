"""Films of one colour, coded in the ways that cameras and screens have, and the colour that a film shows."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import av
import imageio_ffmpeg
from av.video.frame import VideoFrame

Rgb = tuple[float, float, float]
GREEN: Final = (30, 180, 60)
"""BT.601 and BT.709 differ most in green."""
_KR_KB: Final = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114)}
"""By the number of the matrix in ITU-T H.273."""
_FULL: Final = 2


def green(path: Path, size: tuple[int, int], matrix: str, *, told: bool = True, full: bool = False) -> Path:
    """A second of GREEN as YUV 4:2:0 by `matrix` (bt709, smpte170m), which the file names if it is `told`."""
    color, span = "0x" + bytes(GREEN).hex(), "pc" if full else "tv"
    chain = f"format=gbrp,scale=out_color_matrix={matrix}:out_range={span},format=yuv420p"
    chain += "" if told else ",setparams=colorspace=unknown"
    _ffmpeg(f"color={color}:s={size[0]}x{size[1]}:d=1:r=25", chain, "libx264", "-crf", "10", str(path))
    return path


def white_of_hdr(path: Path, curve: str, size: tuple[int, int] = (160, 90)) -> Path:
    """Ten frames of reference white (203 cd/m² of BT.2408), coded by `curve` (smpte2084, arib-std-b67) of BT.2100."""
    grey = round(64 + {"smpte2084": 0.5807, "arib-std-b67": 0.75}[curve] * 876)
    told = f"log-level=none:colorprim=bt2020:transfer={curve}:colormatrix=bt2020nc"
    _ffmpeg(
        f"color=size={size[0]}x{size[1]}:rate=25:duration=0.4,format=yuv420p10le",
        f"geq=lum={grey}:cb=512:cr=512,format=yuv420p10le", "libx265", "-x265-params", told,
        "-color_primaries", "bt2020", "-color_trc", curve, "-colorspace", "bt2020nc", str(path),
    )  # fmt: skip
    return path


def shown(path: Path) -> Rgb:
    """The colour in the middle of the first picture, by the matrix and range that it names."""
    with av.open(str(path), "r") as container:
        return color_of(next(container.decode(video=0)))


def color_of(frame: VideoFrame) -> Rgb:
    """The colour in the middle of a picture of YUV, 0 to 255, as a player shows it."""
    planes = frame.reformat(format="yuv444p" if "j" not in frame.format.name else "yuvj444p").to_ndarray()
    y, u, v = (float(plane[frame.height // 2, frame.width // 2]) for plane in planes)
    if frame.color_range == _FULL or "j" in frame.format.name:
        luma, cb, cr = y / 255, (u - 128) / 255, (v - 128) / 255
    else:
        luma, cb, cr = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    kr, kb = _KR_KB[frame.colorspace]
    red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    return 255 * red, 255 * (luma - kr * red - kb * blue) / (1 - kr - kb), 255 * blue


def _ffmpeg(source: str, chain: str, encoder: str, *rest: str) -> None:
    made = ["-f", "lavfi", "-i", source, "-vf", chain, "-c:v", encoder, *rest]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *made], check=True)
