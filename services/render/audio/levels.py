"""How loud a sound is and on which side, sample by sample: curves of gain and pan, and fades. Pure.

Positions are samples at SAMPLE_RATE, counted from wherever the holder says. Two sounds whose levels are equal, counted
from one origin, are shaped alike wherever they are cut: so the parts of a split clip are one sound again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any, assert_never

import msgspec

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.properties import Animated, Easing, Keyframes


class Knot(msgspec.Struct, frozen=True, array_like=True):
    """A value at a sample. `easing` shapes the way from here to the next knot, as that of keyframes does."""

    sample: int
    value: float
    easing: Easing = "linear"


Curve = float | tuple[Knot, ...]
"""A constant, or knots whose samples increase. Before the first its value, after the last the last one's."""


class Fade(msgspec.Struct, frozen=True, array_like=True):
    """Quarter of a sine: rising, silence before `start` and full at `end`; else full at `start` and silence from `end`.

    Over the same samples the squares of a rising and of a falling one add up to 1: a crossfade keeps its power.
    """

    start: int
    end: int
    rising: bool


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """Gain in dB, pan from -1 to 1, and fades, which multiply."""

    gain: Curve = 0.0
    pan: Curve = 0.0
    fades: tuple[Fade, ...] = ()

    def within(self, start: int, end: int, origin: int) -> Level | None:
        """What of it shapes samples [start, end), counted from `origin`; None where that is silence."""
        fades = []
        for fade in self.fades:
            if (fade.start >= end - 1) if fade.rising else (fade.end <= start):
                return None
            if (fade.end > start) if fade.rising else (fade.start < end - 1):
                fades.append(Fade(fade.start - origin, fade.end - origin, fade.rising))
        fades.sort(key=lambda fade: (fade.start, fade.end, fade.rising))
        gain, pan = within(self.gain, start, end, origin), within(self.pan, start, end, origin)
        return Level(gain=gain, pan=pan, fades=tuple(fades))


def curve(animated: Animated, at: Fraction, rate: Fraction, change: Callable[[float], float] = float) -> Curve:
    """The curve of a value whose frames, `rate` a second, count from `at`, a frame; each value changed by `change`."""
    if not isinstance(animated, Keyframes):
        return change(animated)
    knots: list[Knot] = []
    for key in animated.keyframes:
        frame = at + Fraction(key.frame * animated.den - animated.start, animated.num)
        knot = Knot(round(frame * SAMPLE_RATE / rate), change(key.value), key.easing)
        if knots and knots[-1].sample == knot.sample:
            knots.pop()
        knots.append(knot)
    return _simplest(knots)


def within(curve: Curve, start: int, end: int, origin: int) -> Curve:
    """What of a curve matters to samples [start, end), counted from `origin`."""
    if not isinstance(curve, tuple):
        return curve
    first = max(0, bisect_right(curve, start, key=_sample) - 1)
    last = bisect_left(curve, end - 1, key=_sample)
    part = curve[first : last + 1]
    if len(part) > 1 and part[-1].sample >= end and part[-2].easing == "hold":
        part = part[:-1]
    return _simplest([Knot(knot.sample - origin, knot.value, knot.easing) for knot in part])


def raised(curve: Curve, by: float) -> Curve:
    """The curve with all its values greater by so much."""
    if not isinstance(curve, tuple):
        return curve + by
    return tuple(Knot(knot.sample, knot.value + by, knot.easing) for knot in curve)


def lowest(curve: Curve) -> float:
    return min(knot.value for knot in curve) if isinstance(curve, tuple) else curve


def highest(curve: Curve) -> float:
    return max(knot.value for knot in curve) if isinstance(curve, tuple) else curve


def level_at(curve: Curve, sample: int) -> float:
    """The value at a sample."""
    if not isinstance(curve, tuple):
        return curve
    following = bisect_right(curve, sample, key=_sample)
    if following in (0, len(curve)):
        return curve[max(0, following - 1)].value
    left, right = curve[following - 1], curve[following]
    return float(between(left, right, sample))


def between(left: Knot, right: Knot, sample: Any) -> Any:
    """The value at a sample, or at each of an array of them, that lies between two knots."""
    t = (sample - left.sample) / (right.sample - left.sample)
    match left.easing:
        case "hold":
            behind = 0 * t
        case "linear":
            behind = t
        case "ease-in":
            behind = t * t
        case "ease-out":
            behind = 1 - (1 - t) * (1 - t)
        case "ease-in-out":
            behind = t * t * (3 - 2 * t)
        case _:
            assert_never(left.easing)
    return left.value + (right.value - left.value) * behind


def _simplest(knots: list[Knot]) -> Curve:
    """Neither the easing after the last knot nor knots of one value say anything."""
    if all(left.value == right.value for left, right in pairwise(knots)):
        return knots[0].value
    return (*knots[:-1], Knot(knots[-1].sample, knots[-1].value))


def _sample(knot: Knot) -> int:
    return knot.sample
