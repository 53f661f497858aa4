"""Frame rates as stores and frontends of other programs write them. Pure."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any, Final

_RATIO: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(?:[/:]\s*(\d{1,9}))?\s*")


def meant_rate(value: Any) -> Fraction | None:
    """Frames per second, 1 to 240: 29.97 and its like mean thousands over 1001."""
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
