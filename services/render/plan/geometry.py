"""Where a picture comes to lie on the canvas: whole, even pixels, so that chroma never shifts."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import assert_never

import msgspec

from cutlog.contract.timeline import Canvas, Fit

Size = tuple[int, int]
Area = tuple[Fraction, Fraction]


class Box(msgspec.Struct, frozen=True):
    """A rectangle in pixels."""

    x: int
    y: int
    width: int
    height: int


class Placement(msgspec.Struct, frozen=True):
    """Scale the picture to `scaled`, cut `crop` out of it, put that at (x, y) of the output.

    `native` is the size that the picture has by itself, in square pixels.
    """

    scaled: Size
    crop: Box
    x: int
    y: int
    native: Size

    def fills(self, output: Size) -> bool:
        """Whether every pixel of the output is covered."""
        return (self.x, self.y, self.crop.width, self.crop.height) == (0, 0, *output)


def even(value: Fraction) -> int:
    """The nearest even number of at least 2."""
    return max(2, 2 * round(value / 2))


@lru_cache(maxsize=256)
def place(display: Area, fit: Fit, canvas: Canvas, output: Size) -> Placement:
    """Centres a picture seen as `display` square pixels on a canvas that is made at the size `output`.

    contain: all of it, as large as fits. cover: fills the canvas, what sticks out is lost. stretch: fills it, out of
    proportion. none: pixel for pixel of the canvas.
    """
    wide, high = Fraction(canvas.width) / display[0], Fraction(canvas.height) / display[1]
    match fit:
        case "contain":
            grow = (min(wide, high),) * 2
        case "cover":
            grow = (max(wide, high),) * 2
        case "stretch":
            grow = (wide, high)
        case "none":
            grow = (Fraction(1), Fraction(1))
        case _:
            assert_never(fit)
    scaled = (
        even(display[0] * grow[0] * output[0] / canvas.width),
        even(display[1] * grow[1] * output[1] / canvas.height),
    )
    left, top = centred(scaled[0], output[0]), centred(scaled[1], output[1])
    crop = Box(max(0, -left), max(0, -top), min(scaled[0], output[0]), min(scaled[1], output[1]))
    native = (even(Fraction(display[0])), even(Fraction(display[1])))
    return Placement(scaled, crop, max(0, left), max(0, top), native)


def centred(length: int, room: int) -> int:
    """The even offset of a length centred in a room, negative if it sticks out."""
    return 2 * ((room - length) // 4)
