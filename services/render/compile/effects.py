"""Effects on the picture as filters of ffmpeg. Pure: names and arguments, no graph.

What depends on anything but the frame itself is not used: a filter with a memory would give other pixels where a
segment begins than in the middle of a film.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import msgspec

from services.render.plan.looks import GRAIN, Applied, Curve, at, squeezed

Args = dict[str, str | int | float]


class Call(msgspec.Struct, frozen=True):
    """One filter of a chain."""

    name: str
    args: Args


class Clut(msgspec.Struct, frozen=True):
    """A colour table, given as an image by its media id."""

    media: str


class Grain(msgspec.Struct, frozen=True):
    """Noise of a strength from 0 to 100; `x`, `y` are expressions of the frame's number, from 0 to `room`: where in a
    larger sheet of noise the picture's lies."""

    strength: int
    x: str
    y: str
    room: int


#: Parameters of which ffmpeg evaluates an expression on each frame; the others it reads once.
_EVALUATED: Final = frozenset(
    {
        ("color", "brightness"),
        ("color", "contrast"),
        ("color", "saturation"),
        ("color", "gamma"),
        ("hue", "degrees"),
        ("noise", GRAIN),
    }
)

#: Pixels by which a sheet of noise is larger than the picture.
_ROOM: Final = 64

#: Effects that look at a pixel's neighbours: what they do depends on how large the picture is when they do it.
OF_AREAS: Final = frozenset({"blur", "sharpen", "noise", "pixelate", "denoise"})

NEUTRAL: Final = 6500
"""Kelvin at which a picture keeps its colours."""


def expression(values: Curve, variable: str, scale: float = 1.0) -> str:
    """A curve for ffmpeg's expressions: a tree of comparisons of the frame's number."""
    if isinstance(values, float):
        return _number(values * scale)
    starts = [frame for frame in range(len(values)) if frame == 0 or values[frame] != values[frame - 1]]

    def tree(low: int, high: int) -> str:
        if high - low == 1:
            return _number(values[starts[low]] * scale)
        middle = (low + high) // 2
        return f"if(lt({variable},{starts[middle]}),{tree(low, middle)},{tree(middle, high)})"

    return tree(0, len(starts))


def steady(effect: Applied, frames: int) -> list[tuple[int, Applied]]:
    """An effect as parts, each with the number of its frames, in which no value changes that ffmpeg reads only once."""
    once = [
        value
        for name, value in effect.params.items()
        if isinstance(value, tuple) and (effect.kind, name) not in _EVALUATED
    ]
    starts = [frame for frame in range(frames) if frame == 0 or any(v[frame] != v[frame - 1] for v in once)]
    parts: list[tuple[int, Applied]] = []
    for first, end in pairwise([*starts, frames]):
        params = {
            name: squeezed(value[first:end]) if isinstance(value, tuple) else value
            for name, value in effect.params.items()
        }
        parts.append((end - first, Applied(effect.kind, params)))
    return parts


def _bt709(color: str) -> str:
    """#rrggbb as 0xYYUUVV of BT.709, limited range; the filter's own way there is BT.601."""
    red, green, blue = (int(color[first : first + 2], 16) / 255 for first in (1, 3, 5))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    parts = (16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748)
    return "0x" + "".join(f"{round(part):02x}" for part in parts)


def _number(value: float) -> str:
    return f"{value:.7g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.10f}"


def filters(effect: Applied, height: float) -> list[Call | Clut | Grain]:
    """The filters of an effect on a picture for a canvas that would be so many of its pixels high, in order."""
    params = effect.params

    def number(name: str) -> float:
        value = params[name]
        assert not isinstance(value, str)
        return at(value, 0)

    def moving(name: str, variable: str = "n", scale: float = 1.0) -> str:
        value = params[name]
        assert not isinstance(value, str)
        return expression(value, variable, scale)

    def word(name: str) -> str:
        value = params[name]
        assert isinstance(value, str)
        return value

    match effect.kind:
        case "color":
            graded = Call(
                "eq",
                {
                    "brightness": moving("brightness"),
                    "contrast": moving("contrast"),
                    "saturation": moving("saturation"),
                    "gamma": moving("gamma"),
                    "eval": "frame",
                },
            )
            kelvin = number("temperature")
            return [graded] if kelvin == NEUTRAL else [graded, Call("colortemperature", {"temperature": kelvin})]
        case "hue":
            return [Call("hue", {"h": moving("degrees")})]
        case "grayscale":
            return [Call("hue", {"s": 0})]
        case "invert":
            # `negate` of ffmpeg knows nothing of limited range: white would not become black.
            return [Call("lutyuv", dict.fromkeys("yuv", "negval"))]
        case "blur":
            return [Call("gblur", {"sigma": min(1024.0, number("radius") * height), "steps": 2})]
        case "sharpen":
            return [Call("unsharp", {"luma_amount": number("amount")})]
        case "vignette":
            return [Call("vignette", {"angle": number("amount") * math.pi / 2, "dither": 0})]
        case "noise":
            x, y = (expression(_scattered(params[GRAIN], shift), "n") for shift in (8, 16))
            return [Grain(round(number("amount") * 100), x, y, _ROOM)]
        case "pixelate":
            side = min(1024, max(1, round(number("size") * height)))
            return [Call("pixelize", {"w": side, "h": side})]
        case "denoise":
            strength = number("strength")
            return [Call("bilateral", {"sigmaS": 1 + 4 * strength, "sigmaR": 0.02 + 0.13 * strength})]
        case "chromaKey":
            args: Args = {"color": _bt709(word("color")), "yuv": 1}
            args |= {"similarity": number("similarity"), "blend": number("blend")}
            return [Call("chromakey", args)]
        case "lut":
            return [Clut(word("media"))]
        case kind:
            raise ValueError(f"there is no effect {kind} on the picture")


def _scattered(numbers: Curve | str, shift: int) -> Curve:
    """An even place from 0 to _ROOM for each number, far from those of its neighbours: Knuth's multiplicative hash."""
    assert not isinstance(numbers, str)
    of = numbers if isinstance(numbers, tuple) else (numbers,)
    return squeezed([2 * ((round(one) * 2_654_435_761 & 0xFFFFFFFF) >> shift) % _ROOM for one in of])
