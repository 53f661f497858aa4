"""How loud a sound is and on which side, sample by sample: curves of gain and pan, and fades. Pure.

Positions are samples at SAMPLE_RATE, counted from wherever the holder says. Two sounds whose levels are equal, counted
from one origin, are shaped alike wherever they are cut: so the parts of a split clip are one sound again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

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

    def within(self, start: int, end: int) -> Level | None:
        """What of it shapes samples [start, end), counted from there; None where that is silence."""
        fades = []
        for fade in self.fades:
            if (fade.start >= end - 1) if fade.rising else (fade.end <= start):
                return None
            if (fade.end > start) if fade.rising else (fade.start < end - 1):
                fades.append(Fade(fade.start - start, fade.end - start, fade.rising))
        return Level(gain=within(self.gain, start, end), pan=within(self.pan, start, end), fades=tuple(sorted(fades, key=_order)))


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


def within(curve: Curve, start: int, end: int) -> Curve:
    """What of a curve matters to samples [start, end), counted from there."""
    if not isinstance(curve, tuple):
        return curve
    first = max(0, bisect_right(curve, start, key=_sample) - 1)
    last = bisect_left(curve, end - 1, key=_sample)
    part = curve[first : last + 1]
    if len(part) > 1 and part[-1].sample >= end and part[-2].easing == "hold":
        part = part[:-1]
    return _simplest([Knot(knot.sample - start, knot.value, knot.easing) for knot in part])


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
        return curve[min(following, len(curve) - 1)].value if following == 0 else curve[-1].value
    left, right = curve[following - 1], curve[following]
    return left.value + (right.value - left.value) * eased(left.easing, sample - left.sample, right.sample - left.sample)


def eased(easing: Easing, behind: int, whole: int) -> float:
    """The part of the way from one knot to the next that is done after `behind` of `whole` samples."""
    t = behind / whole
    match easing:
        case "hold":
            return 0.0
        case "linear":
            return t
        case "ease-in":
            return t * t
        case "ease-out":
            return 1 - (1 - t) * (1 - t)
        case "ease-in-out":
            return t * t * (3 - 2 * t)


def _simplest(knots: list[Knot]) -> Curve:
    """Neither the easing after the last knot nor knots of one value say anything."""
    if all(left.value == right.value for left, right in pairwise(knots)):
        return knots[0].value
    return (*knots[:-1], Knot(knots[-1].sample, knots[-1].value))


def _sample(knot: Knot) -> int:
    return knot.sample


def _order(fade: Fade) -> tuple[int, int, bool]:
    return fade.start, fade.end, fade.rising
