"""Films for looking at their pixels: encoded without loss, in short segments, so that only what is drawn differs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from cutlog.contract.profiles import COLOR_ARGS
from cutlog.contract.timeline import Clip, Timeline, Track, Transition
from services.render.plan.profiles import Profile
from services.render.produce.orders import Order
from tests.render.studio import Studio
from tests.support.painting import Image, pictures

#: Small, and its width is no multiple of 16.
SIZE: Final = (160, 90)

Red = tuple[int, int, int]
"""Mean red, green and blue, 0 to 255."""


def lossless(rate: Fraction) -> tuple[str, ...]:
    gop = str(round(rate))
    return ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-g", gop, "-bf", "0", *COLOR_ARGS)


def profile(grid: int) -> Profile:
    """Segments of so many seconds, from originals."""
    return Profile(
        name="mp4",
        stock="original",
        grid=grid,
        bitrate=96_000,
        size=lambda canvas: (canvas.width, canvas.height),
        encoder=lossless,
    )


async def screened(studio: Studio, film: Timeline, grid: int = 1) -> list[Image]:
    """Every frame of a film as RGB."""
    order = Order(timeline=film, profile=profile(grid), key=f"export/p_1/{film.digest}.{grid}.mp4", sync=False)
    output = await studio.maker.make(order, studio.told.append)
    shown = list(pictures(studio.path(output)))
    assert len(shown) == film.duration
    return shown


def at(image: Image, x: float, y: float, radius: int = 2) -> Red:
    """The mean colour about a place, in fractions of the picture."""
    height, width = image.shape[:2]
    column, row = round(x * width), round(y * height)
    part = image[max(0, row - radius) : row + radius, max(0, column - radius) : column + radius]
    red, green, blue = part.reshape(-1, 3).mean(axis=0)
    return round(float(red)), round(float(green)), round(float(blue))


def near(found: Sequence[float], wanted: Sequence[float], by: float = 4) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


def extent(image: Image, channel: int = 0, level: int = 128) -> tuple[float, float, float, float]:
    """Left, top, right, bottom, in pixels, of where a colour is bright. Raises ValueError where it is not."""
    rows, columns = np.nonzero(image[:, :, channel] > level)
    if not len(rows):
        raise ValueError("nothing is bright")
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)


def psnr(one: Image, other: Image) -> float:
    """Peak signal to noise in dB; 99 for equal pictures."""
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def ramp(size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Red grows to the right, green downwards."""
    width, height = size
    image = np.full((height, width, 3), 60, np.uint8)
    image[:, :, 0] = np.linspace(30, 225, width).astype(np.uint8)[None, :]
    image[:, :, 1] = np.linspace(30, 225, height).astype(np.uint8)[:, None]
    return image


def joint(left: Clip, right: Clip, kind: str, frames: int, number: int = 0) -> Track:
    """Two clips with a transition between them."""
    return Track(
        id=f"track{number}",
        kind="video",
        clips=(left, right),
        transitions=(Transition(id="t", left=left.id, right=right.id, kind=kind, frames=frames),),
    )


def png(image: Image) -> bytes:
    """A file of that picture."""
    codec = av.CodecContext.create("png", "w")
    codec.height, codec.width = image.shape[:2]
    codec.pix_fmt, codec.time_base = "rgb24", Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    return b"".join(bytes(packet) for packet in (*codec.encode(frame), *codec.encode(None)))
