"""The size and the rate of a project, as far as there are such here. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

SMALLEST: Final = 16
LARGEST: Final = 8192
_RATIO: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(?:[/:]\s*(\d{1,9}))?\s*")


def canvas(legacy: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A canvas that says nothing of what the usual one is to be taken for; and what is not as the store has it."""
    made: dict[str, Any] = {}
    odd: list[str] = []
    sides = [legacy[name] for name in ("width", "height") if legacy.get(name) is not None]
    if sides:
        whole = [_side(each) for each in sides]
        if len(whole) == 2 and None not in whole:
            made = dict(zip(("width", "height"), whole, strict=True))
        if not made or [float(each) for each in sides] != list(made.values()):
            now = f"{made['width']}x{made['height']}" if made else "the usual size"
            odd.append(f"its size is {'x'.join(str(each)[:20] for each in sides)}, here it is {now}")
    said = legacy.get("fps", legacy.get("frameRate"))
    if said is not None:
        rate = _rate(said)
        if rate is None:
            odd.append(f"its rate is {str(said)[:20]!r}, here it is the usual one")
        else:
            made["fps"] = [rate.numerator, rate.denominator]
    return made, odd


def _side(value: Any) -> int | None:
    """A side in pixels: sides are even here."""
    try:
        found = math.ceil(float(value) / 2) * 2 if isinstance(value, int | float | str) else 0
    except (ValueError, OverflowError):
        return None
    return found if SMALLEST <= found <= LARGEST else None


def _rate(value: Any) -> Fraction | None:
    """Frames per second: 29.97 and its like mean thousands over 1001."""
    if isinstance(value, str) and (told := _RATIO.fullmatch(value)):
        found = Fraction(told[1]) / (int(told[2] or 1) or 1)
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        found = Fraction(value)
    else:
        return None
    if not 1 <= found <= 240:
        return None
    for near in (Fraction(round(found)), Fraction(1000 * math.ceil(found), 1001)):
        if abs(found - near) < Fraction(1, 200):
            return near
    return found.limit_denominator(1001)
