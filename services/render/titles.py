"""Text as arguments of ffmpeg's drawtext. Pure. The words themselves go through a file, never through an argument."""

from __future__ import annotations

from typing import Final

from cutlog.contract.timeline import TextStyle
from services.render.drawn import Words
from services.render.picture_effects import Args, expression

#: Names of fonts in titles, to files in services/render/fonts.
FONTS: Final = {"sans": "DejaVuSans.ttf", "sans-bold": "DejaVuSans-Bold.ttf"}

_ALIGN: Final = {"left": "L", "center": "C", "right": "R"}


def font_file(style: TextStyle) -> str:
    """The file of the style's font."""
    return FONTS[style.font]


def rgb(color: str) -> str:
    """#rrggbb as ffmpeg has it."""
    return f"0x{color[1:]}"


def letters(words: Words, textfile: str, height: int) -> Args:
    """The text with its plate and its line, and a shadow if that is sharp, on a picture so many pixels high."""
    style = words.text
    args = _base(words, textfile, height) | {"fontcolor": rgb(style.color)}
    if style.stroke is not None:
        args |= {"bordercolor": rgb(style.stroke.color), "borderw": round(style.stroke.width * height)}
    if style.shadow is not None and not style.shadow.blur:
        across, down = round(style.shadow.x * height), round(style.shadow.y * height)
        args |= {"shadowcolor": rgb(style.shadow.color), "shadowx": across, "shadowy": down}
    if style.box is not None:
        args |= {"box": 1, "boxcolor": rgb(style.box.color), "boxborderw": round(style.box.padding * height)}
    return args


def soft_shadow(words: Words, textfile: str, height: int) -> tuple[str, Args, float] | None:
    """Colour, arguments and blur (sigma in pixels) of the shadow, if that is soft."""
    style = words.text
    if style.shadow is None or not style.shadow.blur:
        return None
    color = rgb(style.shadow.color)
    args = _base(words, textfile, height) | {"fontcolor": color}
    args["x"] = f"{args['x']}+{round(style.shadow.x * height)}"
    args["y"] = f"{args['y']}+{round(style.shadow.y * height)}"
    if style.stroke is not None:
        args |= {"bordercolor": color, "borderw": round(style.stroke.width * height)}
    return color, args, style.shadow.blur * height


def edge_color(style: TextStyle) -> str:
    """The colour of the outermost pixels: where the canvas is clear it has that, so that edges have no fringe."""
    if style.box is not None:
        return rgb(style.box.color)
    if style.shadow is not None and not style.shadow.blur:
        return rgb(style.shadow.color)
    return rgb(style.stroke.color if style.stroke is not None else style.color)


def _base(words: Words, textfile: str, height: int) -> Args:
    style = words.text
    middle = "text_h" if words.caption else "text_h/2"
    return {
        "textfile": textfile,
        "fontfile": font_file(style),
        "expansion": "none",
        "fontsize": max(1, round(style.size * height)),
        "text_align": _ALIGN[style.align],
        "x": f"w*{expression(words.x, 'n')}-text_w/2",
        "y": f"h*{expression(words.y, 'n')}-{middle}",
    }
