"""How large pictures are made, and what is seen of those that are far larger than the canvas. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

import msgspec

from cutlog.contract.effects import EFFECTS
from services.render.plan.geometry import Box, Size, centred, even
from services.render.plan.looks import Curve, Shown, at

#: Pixels of the longer side of the largest picture that is ever made. Of larger ones only what is seen is made.
WIDEST: Final = 8192
#: How many times as large as on the canvas a picture is kept for a look that comes closer.
_DETAIL: Final = 4
#: Pixels around what is seen that its own pixels depend on when it is enlarged.
_MARGIN: Final = 2


class Window(msgspec.Struct, frozen=True):
    """What is seen of a picture: cut `source` out, scale that to `size`, turn it, and put its middle at (x, y)."""

    source: Box
    size: Size
    degrees: float
    x: float
    y: float


def scaled(full: Size, scale: Curve) -> Size:
    """The size at a constant scale, in whole pixels."""
    return max(2, round(full[0] * at(scale, 0))), max(2, round(full[1] * at(scale, 0)))


def made_size(full: Size, native: Size, look: Shown) -> Size:
    """How large a picture is made that is `full` at scale 1, before it is placed.

    It depends on nothing that differs from segment to segment: at a constant scale it is made as large as it is seen;
    if the scale moves, with the detail that it has; for effects that look at areas, as it is at scale 1.
    """
    of_areas = any(EFFECTS[effect.kind].area for effect in look.effects)
    if isinstance(look.scale, float) and not look.zooms and not of_areas and max(full) * look.scale <= WIDEST:
        return scaled(full, look.scale)
    if max(full) > WIDEST:
        return _within(native, 1.0)
    finer = 1.0 if of_areas else min(_DETAIL, max(1.0, native[0] / full[0]))
    return _within(full, finer)


def _within(size: Size, factor: float) -> Size:
    factor = min(factor, WIDEST / max(size))
    return even(Fraction(size[0] * factor)), even(Fraction(size[1] * factor))


def steady_stretches(curves: Sequence[Curve], frames: int) -> list[tuple[int, int]]:
    """First frame and length of the stretches on which none of the curves moves."""
    moving = [curve for curve in curves if isinstance(curve, tuple)]
    starts = [frame for frame in range(frames) if frame == 0 or any(c[frame] != c[frame - 1] for c in moving)]
    return [(first, end - first) for first, end in pairwise([*starts, frames])]


def seen(look: Shown, frame: int, made: Size, full: Size, canvas: Size) -> Window | None:
    """What a canvas shows of a picture in a frame; None if that is nothing."""
    scale, turn = at(look.scale, frame), math.radians(at(look.rotation, frame))
    if scale <= 0:
        return None
    wide, high = full[0] * scale, full[1] * scale
    still = [centred(side, room) + side / 2 for side, room in zip(full, canvas, strict=True)]
    middle = ((at(look.x, frame) - 0.5) * canvas[0] + still[0], (at(look.y, frame) - 0.5) * canvas[1] + still[1])
    cos, sin = math.cos(turn), math.sin(turn)
    corners = [(x - middle[0], y - middle[1]) for x in (0, canvas[0]) for y in (0, canvas[1])]
    across = [x * cos + y * sin for x, y in corners]
    down = [y * cos - x * sin for x, y in corners]
    columns = _cut(min(across), max(across), wide, made[0])
    rows = _cut(min(down), max(down), high, made[1])
    if columns is None or rows is None:
        return None
    size = (
        even(Fraction((columns[1] - columns[0]) * wide / made[0])),
        even(Fraction((rows[1] - rows[0]) * high / made[1])),
    )
    off = ((columns[0] + columns[1]) / 2 / made[0] - 0.5) * wide, ((rows[0] + rows[1]) / 2 / made[1] - 0.5) * high
    return Window(
        source=Box(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0]),
        size=size,
        degrees=at(look.rotation, frame),
        x=middle[0] + off[0] * cos - off[1] * sin,
        y=middle[1] + off[0] * sin + off[1] * cos,
    )


def _cut(low: float, high: float, length: float, pixels: int) -> tuple[int, int] | None:
    """The even pixels of a side, seen `length` long about 0, that reach from `low` to `high`."""
    first = 2 * math.floor(((low / length + 0.5) * pixels - _MARGIN) / 2)
    end = 2 * math.ceil(((high / length + 0.5) * pixels + _MARGIN) / 2)
    first, end = max(0, first), min(pixels, end)
    return (first, end) if first < end else None
