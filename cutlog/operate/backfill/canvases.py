"""The size and the rate of a project, as far as there are such here. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from cutlog.contract.rates import meant_rate

SMALLEST: Final = 16
LARGEST: Final = 8192


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
        rate = meant_rate(said)
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
