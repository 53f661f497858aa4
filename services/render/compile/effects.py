"""Effects on the picture as filters of ffmpeg. Pure: names and arguments, no graph.

What depends on anything but the frame itself is not used: a filter with a memory would give other pixels where a
segment begins than in the middle of a film.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import msgspec

from cutlog.contract.effects import EFFECTS, Number
from services.render.plan.looks import GRAIN, Applied, Curve, at, squeezed

Args = dict[str, str | int | float]


class Call(msgspec.Struct, frozen=True):
    """One filter of a chain. It drops the picture's alpha, keeps it or makes it. If it is one of `rgb`, the way there
    and back is ours to say."""

    name: str
    args: Args
    alpha: Literal["drops", "keeps", "makes"] = "drops"
    rgb: bool = False


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


#: Pixels by which a sheet of noise is larger than the picture.
_ROOM: Final = 64

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
        value for name, value in effect.params.items() if isinstance(value, tuple) and not _evaluated(effect.kind, name)
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


def _evaluated(kind: str, name: str) -> bool:
    if name == GRAIN:
        return True
    parameter = EFFECTS[kind].params[name]
    return isinstance(parameter, Number) and parameter.evaluated


def _bt709(color: str) -> str:
    """#rrggbb as 0xYYUUVV of BT.709, limited range; the filter's own way there is BT.601."""
    red, green, blue = (int(color[first : first + 2], 16) / 255 for first in (1, 3, 5))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    parts = (16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748)
    return "0x" + "".join(f"{round(part):02x}" for part in parts)


def _number(value: float) -> str:
    return f"{value:.7g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.10f}"


class Values(NamedTuple):
    """The parameters of an effect whose values do not move, but for those that ffmpeg evaluates; and how many pixels
    high a canvas of the picture would be."""

    params: Mapping[str, Curve | str]
    height: float

    def number(self, name: str) -> float:
        """One that does not move."""
        value = self.params[name]
        assert not isinstance(value, str)
        return at(value, 0)

    def moving(self, name: str) -> str:
        """One that may, as an expression of the frame's number."""
        value = self.params[name]
        assert not isinstance(value, str)
        return expression(value, "n")

    def word(self, name: str) -> str:
        value = self.params[name]
        assert isinstance(value, str)
        return value


def filters(effect: Applied, height: float) -> Sequence[Call | Clut | Grain]:
    """The filters of an effect on a picture for a canvas that would be so many of its pixels high, in order."""
    return COMPILED[effect.kind](Values(effect.params, height))


def _color(of: Values) -> Sequence[Call]:
    evaluated = {name: of.moving(name) for name in ("brightness", "contrast", "saturation", "gamma")}
    graded = Call("eq", {**evaluated, "eval": "frame"})
    kelvin = of.number("temperature")
    return [graded] if kelvin == NEUTRAL else [graded, Call("colortemperature", {"temperature": kelvin}, rgb=True)]


def _noise(of: Values) -> Sequence[Grain]:
    x, y = (expression(_scattered(of.params[GRAIN], shift), "n") for shift in (8, 16))
    return [Grain(round(of.number("amount") * 100), x, y, _ROOM)]


def _pixelate(of: Values) -> Sequence[Call]:
    side = min(1024, max(1, round(of.number("size") * of.height)))
    return [Call("pixelize", {"w": side, "h": side})]


def _denoise(of: Values) -> Sequence[Call]:
    strength = of.number("strength")
    return [Call("bilateral", {"sigmaS": 1 + 4 * strength, "sigmaR": 0.02 + 0.13 * strength})]


def _chroma_key(of: Values) -> Sequence[Call]:
    args: Args = {"color": _bt709(of.word("color")), "yuv": 1}
    args |= {"similarity": of.number("similarity"), "blend": of.number("blend")}
    return [Call("chromakey", args, alpha="makes")]


COMPILED: Final[Mapping[str, Callable[[Values], Sequence[Call | Clut | Grain]]]] = {
    "color": _color,
    "hue": lambda of: [Call("hue", {"h": of.moving("degrees")})],
    "grayscale": lambda _: [Call("hue", {"s": 0})],
    # `negate` of ffmpeg knows nothing of limited range: white would not become black.
    "invert": lambda _: [Call("lutyuv", dict.fromkeys("yuv", "negval"))],
    "blur": lambda of: [
        Call("gblur", {"sigma": min(1024.0, of.number("radius") * of.height), "steps": 2}, alpha="keeps")
    ],
    "sharpen": lambda of: [Call("unsharp", {"luma_amount": of.number("amount")})],
    "vignette": lambda of: [Call("vignette", {"angle": of.number("amount") * math.pi / 2, "dither": 0})],
    "noise": _noise,
    "pixelate": _pixelate,
    "denoise": _denoise,
    "chromaKey": _chroma_key,
    "lut": lambda of: [Clut(of.word("media"))],
}
"""The filters of each kind of effect on pictures."""


def _scattered(numbers: Curve | str, shift: int) -> Curve:
    """An even place from 0 to _ROOM for each number, far from those of its neighbours: Knuth's multiplicative hash."""
    assert not isinstance(numbers, str)
    of = numbers if isinstance(numbers, tuple) else (numbers,)
    return squeezed([2 * ((round(one) * 2_654_435_761 & 0xFFFFFFFF) >> shift) % _ROOM for one in of])
