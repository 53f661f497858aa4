"""Text as a drawing to be made, and where that lies on the canvas. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from cutlog.contract.fonts import BUILT_IN
from cutlog.contract.timeline import Box, Shadow, Stroke, TextFit
from services.render.compile.effects import expression
from services.render.plan.geometry import Size
from services.render.plan.layers import Words
from services.render.plan.looks import Curve

#: Where a line ends that is fitted, unless the text says so: a fraction of the canvas width.
WIDEST: Final = 0.9

#: Pixels of the largest drawing. Text that crosses more of the canvas than this within one segment is cut off at the
#: far end of its way, where only letters larger than the canvas could still be seen.
LARGEST: Final = 64_000_000

#: The letters themselves, with their box, their line, and a sharp shadow; or a soft shadow, before it is blurred.
Part = Literal["letters", "shadow"]


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """All that a picture of a text depends on. Lengths are pixels; `at` is the text's centre, or with `foot` the
    middle of its lower edge, on a page of `page`. `font`: SHA-256 of the file of its family, unless that is installed.
    `emoji`: the family of emoji, unless that is the shipped one.
    """

    text: str
    family: str
    weight: int
    font: str | None
    emoji: str | None
    rtl: bool
    size: int
    color: str
    align: str
    fit: TextFit
    width: int | None
    stroke: Stroke | None
    shadow: Shadow | None
    box: Box | None
    foot: bool
    part: Part
    page: Size
    at: tuple[int, int]


class Way(msgspec.Struct, frozen=True):
    """How a text moves along one side of the canvas: the drawing is `length` pixels long there, has the text's anchor
    at `anchor`, and lies at `place`, a number or an expression of the frame's number."""

    length: int
    anchor: int
    place: str


def drawing(words: Words, size: Size, part: Part) -> tuple[Drawing, str, str]:
    """What is drawn for a text on a canvas of `size`, and where the drawing lies: x, y."""
    style, height = words.text, size[1]
    room = max(1.0, LARGEST / (size[0] * size[1]))
    across = _way(words.x, size[0], room if isinstance(words.y, float) else room**0.5)
    down = _way(words.y, size[1], room if isinstance(words.x, float) else room**0.5)
    soft = style.shadow is not None and style.shadow.blur > 0
    family, weight, font = _face(words)
    emoji = words.font.family if words.font is not None and words.font.emoji else None
    fit = "none" if style.fit is UNSET else style.fit
    widest = WIDEST if style.max_width is UNSET else style.max_width
    made = Drawing(
        text=style.text.replace("\r\n", "\n").replace("\r", "\n"),
        family=family,
        weight=weight,
        font=font,
        emoji=emoji,
        rtl=_right_to_left(style.text),
        size=max(1, round(style.size * height)),
        color=style.color,
        align=style.align,
        fit=fit,
        width=None if fit == "none" else max(1, round(widest * size[0])),
        stroke=style.stroke and Stroke(color=style.stroke.color, width=round(style.stroke.width * height)),
        shadow=None if style.shadow is None or soft != (part == "shadow") else _in_pixels(style.shadow, height),
        box=style.box and Box(color=style.box.color, padding=round(style.box.padding * height)),
        foot=words.caption,
        part=part,
        page=(across.length, down.length),
        at=(across.anchor, down.anchor),
    )
    return made, across.place, down.place


def _face(words: Words) -> tuple[str, int, str | None]:
    """Family, weight, and the file, of what a text is drawn with."""
    if words.font is not None:
        return words.font.family, words.font.weight, words.font.sha256
    family, weight = BUILT_IN[words.text.font]
    return family, words.text.weight or weight, None


def soft_shadow(words: Words, height: int) -> tuple[str, float] | None:
    """Colour and blur (sigma in pixels) of the shadow, if that is soft."""
    shadow = words.text.shadow
    return (shadow.color, shadow.blur * height) if shadow is not None and shadow.blur else None


def rgb(color: str) -> str:
    """#rrggbb as ffmpeg has it."""
    return f"0x{color[1:]}"


def edge_color(words: Words) -> str:
    """The colour of the outermost pixels: where the canvas is clear it has that, so that edges have no fringe."""
    style = words.text
    if style.box is not None:
        return rgb(style.box.color)
    if style.shadow is not None and not style.shadow.blur:
        return rgb(style.shadow.color)
    return rgb(style.stroke.color if style.stroke is not None else style.color)


def _in_pixels(shadow: Shadow, height: int) -> Shadow:
    return Shadow(color=shadow.color, x=round(shadow.x * height), y=round(shadow.y * height))


def _way(curve: Curve, side: int, room: float) -> Way:
    """A still text's drawing is the canvas. A moving one's is all of it that passes by the canvas, which lies before
    and beyond its anchor: as much of that as there is `room` for, in canvases."""
    if isinstance(curve, float):
        return Way(side, round(curve * side), "0")
    spare = max(0, int((room - 1) * side))
    places = [round(value * side) for value in curve]
    low, high = min(places), max(places)
    if high - low > spare:
        low = max(low, min(high, side) - spare)
        high = min(high, low + spare)
    length = side + high - low
    moving = f"round({side}*({expression(curve, '(n-1)')}))"
    return Way(length, high, f"clip({moving},{low},{high})-{high}")


def _right_to_left(text: str) -> bool:
    """Whether the first letter with a direction goes to the left (rule P2 of the Unicode Bidirectional Algorithm)."""
    for character in text:
        match unicodedata.bidirectional(character):
            case "L":
                return False
            case "R" | "AL":
                return True
            case _:
                continue
    return False
