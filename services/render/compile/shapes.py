"""Pictures turned, cut and mirrored, and the ways between the formats that they have meanwhile. Pure.

Chroma of yuv420p lies on every other pixel: what is put to an odd one, or moves, is laid in yuv444p. The way there
repeats chroma, and the way back is its mean, so that what nothing was laid over comes back bit by bit as it was.
"""

from __future__ import annotations

import math
from typing import Any, Final

import ffmpeg

from services.render.plan.geometry import Size
from services.render.plan.looks import Shown

#: Without these, swscale is off by up to two steps, and not the same everywhere in a picture.
_EXACT: Final = "bicubic+accurate_rnd+full_chroma_int"


def fine(film: Any, alpha: bool) -> Any:
    """Chroma for every pixel."""
    return film.filter("scale", flags="neighbor").filter("format", "yuva444p" if alpha else "yuv444p")


def coarse(film: Any, alpha: bool) -> Any:
    """Chroma for every other pixel again, the mean of its four."""
    return film.filter("scale", flags="area").filter("format", "yuva420p" if alpha else "yuv420p")


def flipped(film: Any, look: Shown) -> Any:
    if look.flip_h:
        film = film.filter("hflip")
    return film.filter("vflip") if look.flip_v else film


def cropped(film: Any, look: Shown, size: Size) -> Any:
    """A yuva444p picture, clear where it was cut off; what is left stays in its place. Its colours go on beyond the
    edge: no fringe."""
    assert look.crop is not None
    width, height = size
    left, top = round(look.crop.left * width), round(look.crop.top * height)
    wide = max(1, round((1 - look.crop.right) * width) - left)
    high = max(1, round((1 - look.crop.bottom) * height) - top)
    x, y = min(left, width - wide), min(top, height - high)
    both = film.filter_multi_output("split")
    mask = both[1].filter("alphaextract").filter("crop", wide, high, x, y)
    mask = mask.filter("pad", width, height, x, y, color="black")
    return ffmpeg.filter([both[0].filter("format", "yuv444p"), mask], "alphamerge")


def turned(film: Any, degrees: str, size: Size) -> Any:
    """A yuva444p picture turned clockwise about its middle. Its outermost colours go on where it is clear, so that it
    has no fringe."""
    wide, high = size[0] + 8, size[1] + 8
    both = film.filter_multi_output("split")
    colours = both[0].filter("format", "yuv444p").filter("pad", wide, high, 4, 4)
    colours = colours.filter("fillborders", left=4, right=4, top=4, bottom=4, mode="smear")
    mask = both[1].filter("alphaextract").filter("pad", wide, high, 4, 4, color="black")
    film = ffmpeg.filter([colours, mask], "alphamerge")
    room = 2 * math.ceil(math.hypot(*size) / 2)
    return film.filter("rotate", a=f"({degrees})*PI/180", ow=room, oh=room, c="black@0").filter("setsar", "1")


def straight(film: Any, matte: str) -> Any:
    """A picture with its own colours, into which alpha had been multiplied over black or white. Not by `unpremultiply`,
    which newer builds of ffmpeg undo where nobody says what the picture is."""
    both = film.filter("format", "yuva444p").filter_multi_output("split")
    mask = both[1].filter("alphaextract").filter("format", "gray").filter_multi_output("split")
    colours = rgb_of(both[0])
    if matte == "white":
        colours = colours.filter("negate")
    colours = ffmpeg.filter([colours, mask[0].filter("format", "gbrp")], "blend", all_mode="divide")
    if matte == "white":
        colours = colours.filter("negate")
    return ffmpeg.filter([of_rgb(colours, "yuv444p"), mask[1]], "alphamerge")


def rgb_of(film: Any) -> Any:
    """As RGB, from BT.709 of limited range."""
    return film.filter("scale", flags=_EXACT, in_color_matrix="bt709", in_range="tv").filter("format", "gbrp")


def of_rgb(film: Any, pixels: str) -> Any:
    """RGB as BT.709 of limited range again."""
    film = film.filter("format", "gbrp").filter("scale", flags=_EXACT, out_color_matrix="bt709", out_range="tv")
    return film.filter("format", pixels)
