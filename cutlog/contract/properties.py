"""Values that may change while a clip is shown: a constant, or keyframes with easing."""

from __future__ import annotations

from bisect import bisect_right
from math import gcd
from typing import Annotated, Final, Literal, assert_never

import msgspec

from cutlog.contract.base import Strict
from cutlog.contract.limits import MAX_FRAMES, MAX_KEYFRAMES

Easing = Literal["hold", "linear", "ease-in", "ease-out", "ease-in-out"]

_FAR: Final = 10**15


# `gc=False`: there are very many, and none can be part of a cycle. A collection that looks at each keeps all waiting.
class Keyframe(Strict, gc=False):
    """A value at a frame, counted from the clip's start. `easing` shapes the way from here to the next keyframe."""

    frame: Annotated[int, msgspec.Meta(ge=0, le=MAX_FRAMES)]
    value: float
    easing: Easing = "linear"


class Keyframes(Strict, gc=False):
    """Keyframes in order of time. Frame k of the clip has the value at (from + k × num) / den of them.

    Clients leave `from`, `num` and `den` alone: they are 0, 1, 1 until an edit cuts the clip or changes its speed. So
    the parts of a split show exactly what the whole showed, in the middle of an eased way too, where a keyframe put at
    the cut could only come near; and a change of speed can be taken back without loss.
    """

    keyframes: Annotated[tuple[Keyframe, ...], msgspec.Meta(min_length=1, max_length=MAX_KEYFRAMES)]
    start: Annotated[int, msgspec.Meta(ge=-_FAR, le=_FAR)] = msgspec.field(name="from", default=0)
    num: Annotated[int, msgspec.Meta(ge=1, le=_FAR)] = 1
    den: Annotated[int, msgspec.Meta(ge=1, le=_FAR)] = 1


Animated = float | Keyframes


def value_at(animated: Animated, frame: int) -> float:
    """The value at a frame of the clip. Before the first keyframe it is the first value, after the last the last.

    With t the part of the way that is behind: hold 0, linear t, ease-in t², ease-out 1 - (1 - t)², ease-in-out
    3t² - 2t³. Equal moments give equal floats: t is one division of integers.
    """
    if not isinstance(animated, Keyframes):
        return animated
    keys, den = animated.keyframes, animated.den
    at = animated.start + frame * animated.num
    following = bisect_right(keys, at, key=lambda key: key.frame * den)
    if following == 0:
        return keys[0].value
    left = keys[following - 1]
    if following == len(keys):
        return left.value
    right = keys[following]
    behind = (at - left.frame * den) / ((right.frame - left.frame) * den)
    return left.value + (right.value - left.value) * _eased(left.easing, behind)


def _eased(easing: Easing, t: float) -> float:
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
        case _:
            assert_never(easing)


def later(animated: Animated, frames: int) -> Animated:
    """The same values for a clip that starts `frames` later (earlier, if negative)."""
    if not isinstance(animated, Keyframes) or not frames:
        return animated
    return msgspec.structs.replace(animated, start=animated.start + frames * animated.num)


def faster(animated: Animated, num: int, den: int) -> Animated:
    """The same values for a clip that runs num / den times as fast as it did."""
    if not isinstance(animated, Keyframes):
        return animated
    start, rate, scale = animated.start * den, animated.num * num, animated.den * den
    common = gcd(start, rate, scale)
    return msgspec.structs.replace(animated, start=start // common, num=rate // common, den=scale // common)
