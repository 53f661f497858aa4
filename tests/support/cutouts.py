"""Films and pictures that are transparent in places, in the ways that other programs write them.

Over nothing, a red bar moves to the right by STEP a frame, and a blue band at the right stands half transparent.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image as Pillow

from cutlog.contract.time import Fps

Rgb = tuple[int, int, int]

SIZE: Final = (160, 96)
FRAMES: Final = 12
FPS: Final = Fps(10, 1)
STEP: Final = 8
BAR: Final = 24
BAND: Final = 128
"""Where the blue band begins."""
RED: Final[Rgb] = (200, 30, 30)
BLUE: Final[Rgb] = (40, 60, 220)
HALF: Final = 128
"""Alpha of the band."""
FILMS: Final = {
    "vp9.webm": "-c:v libvpx-vp9 -pix_fmt yuva420p -crf 15 -b:v 0 -g 6",
    "vp8.webm": "-c:v libvpx -pix_fmt yuva420p -auto-alt-ref 0 -crf 5 -b:v 2M -g 6",
    "prores.mov": "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le -alpha_bits 16",
    "qtrle.mov": "-c:v qtrle -pix_fmt argb -g 6",
    "png.mov": "-c:v png -pix_fmt rgba",
    "apng.png": "-c:v apng -pix_fmt rgba -plays 0 -f apng",
    "ffv1.mkv": "-c:v ffv1 -level 3 -pix_fmt bgra",
    "utvideo.avi": "-c:v utvideo -pix_fmt gbrap",
}
"""By name: how ffmpeg is told to write it."""


def bar_at(frame: int) -> int:
    """Where the red bar begins."""
    return STEP * (frame + 1)


def painted(frame: int) -> NDArray[np.uint8]:
    """A frame as straight RGBA. What is transparent has a colour too, which nobody should see."""
    width, height = SIZE
    image = np.zeros((height, width, 4), np.uint8)
    image[:, :] = (255, 0, 255, 0)
    image[:, BAND:] = (*BLUE, HALF)
    image[:, bar_at(frame) : bar_at(frame) + BAR] = (*RED, 255)
    return image


def multiplied(image: NDArray[np.uint8], matte: str) -> NDArray[np.uint8]:
    """Straight RGBA with alpha multiplied into its colours over black or white."""
    ground = 255.0 if matte == "white" else 0.0
    alpha = image[:, :, 3:].astype(np.float64) / 255
    colours = image[:, :, :3] * alpha + ground * (1 - alpha)
    return np.concatenate([np.round(colours).astype(np.uint8), image[:, :, 3:]], axis=2)


def film(path: Path, arguments: str, images: Iterable[NDArray[np.uint8]] | None = None) -> Path:
    """A film of straight RGBA, the painted one by default."""
    frames = list(images) if images is not None else [painted(frame) for frame in range(FRAMES)]
    height, width = frames[0].shape[:2]
    source = ["-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{width}x{height}", "-r", str(FPS.num), "-i", "pipe:0"]
    # VP8 is always BT.601.
    matrix = "bt601" if "libvpx " in arguments else "bt709"
    colors = ["-vf", f"scale=out_color_matrix={matrix}:out_range=tv", "-color_range", "tv"]
    if matrix == "bt709":
        colors += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *source]
    command += [*(colors if "yuv" in arguments else []), *arguments.split(), str(path)]
    subprocess.run(command, input=b"".join(frame.tobytes() for frame in frames), check=True)
    return path


def made(path: Path) -> Path:
    """The painted film under a name that says what it is."""
    if path.suffix == ".gif":
        return gif(path)
    return webp(path) if path.suffix == ".webp" else film(path, FILMS[path.name])


def gif(path: Path, durations: Sequence[int] = (100,) * FRAMES) -> Path:
    """An animation whose band is left out: a GIF is transparent or it is not. Each picture lasts so many ms."""
    images = [Pillow.fromarray(image[:, :BAND].copy()) for image in map(painted, range(len(durations)))]
    whole = [Pillow.new("RGBA", SIZE, (0, 0, 0, 0)) for _ in images]
    for canvas, image in zip(whole, images, strict=True):
        canvas.paste(image, (0, 0))
    whole[0].save(path, "GIF", save_all=True, append_images=whole[1:], duration=list(durations), disposal=2, loop=0)
    return path


def webp(path: Path) -> Path:
    images = [Pillow.fromarray(painted(frame)) for frame in range(FRAMES)]
    images[0].save(path, "WEBP", save_all=True, append_images=images[1:], duration=100, lossless=True, exact=True)
    return path


def still(path: Path, kind: str, frame: int = 0, **options: object) -> Path:
    """One frame, by Pillow's name of the format."""
    Pillow.fromarray(painted(frame)).save(path, kind, **options)
    return path


def associated_tiff(path: Path, frame: int = 0) -> Path:
    """A TIFF that says that alpha was multiplied into its colours."""
    file = io.BytesIO()
    Pillow.fromarray(multiplied(painted(frame), "black")).save(file, "TIFF")
    data = bytearray(file.getvalue())
    assert data[:2] == b"II"
    at = int.from_bytes(data[4:8], "little")
    for entry in range(at + 2, at + 2 + 12 * int.from_bytes(data[at : at + 2], "little"), 12):
        if int.from_bytes(data[entry : entry + 2], "little") == 338:
            data[entry + 8 : entry + 10] = (1).to_bytes(2, "little")
    path.write_bytes(data)
    return path


def multiplied_heic(path: Path) -> Path:
    """A HEIC that says that alpha was multiplied into its colours."""
    image = Pillow.fromarray(painted(0)).convert("RGBa")
    pillow_heif.from_bytes("RGBa", image.size, image.tobytes()).save(path, quality=95)
    return path


def turned(film: Path, path: Path) -> Path:
    """The same film, which players turn by a quarter."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-display_rotation", "90", "-i", str(film)]
    subprocess.run([*command, "-c", "copy", str(path)], check=True)
    return path


def marked(path: Path, mode: int) -> Path:
    """A MOV whose picture is to be drawn in that graphics mode of QuickTime."""
    data = bytearray(path.read_bytes())
    at = data.index(b"vmhd")
    data[at + 8 : at + 10] = mode.to_bytes(2, "big")
    path.write_bytes(data)
    return path


def over(top: Rgb, ground: Rgb, alpha: int = 255) -> Rgb:
    """A colour over another."""
    red, green, blue = ((a * alpha + b * (255 - alpha)) / 255 for a, b in zip(top, ground, strict=True))
    return round(red), round(green), round(blue)
